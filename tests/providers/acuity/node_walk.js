// Walks the double with the vendor's kit; argument: JSON. Prints what it saw as JSON.
const Acuity = require("acuityscheduling");

const order = JSON.parse(process.argv[2]);
const acuity = Acuity.basic({
  base: order.base,
  userId: order.userId,
  apiKey: order.apiKey,
});

function ask(path, options) {
  return new Promise((done, failed) =>
    acuity.request(path, options || {}, (error, response, body) =>
      error || response.statusCode >= 400
        ? failed(error || new Error(JSON.stringify(body)))
        : done(body),
    ),
  );
}

function forged() {
  Acuity.verifyMessageSignature(order.apiKey, order.body, order.signature);
  try {
    Acuity.verifyMessageSignature(order.apiKey, order.body + "&", order.signature);
  } catch (error) {
    return error.message;
  }
  return "";
}

(async () => {
  const me = await ask("/me");
  const read = await ask("/appointments/" + order.ours);
  const made = await ask("/appointments", { method: "POST", body: order.booking });
  console.log(
    JSON.stringify({ me: me.id, read: read.id, made: made.id, forged: forged() }),
  );
})().catch((error) => {
  console.error(error);
  process.exit(1);
});
