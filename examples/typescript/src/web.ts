// The same stubs in a browser: grpc-web, which Envoy (deploy/envoy) turns into gRPC. Node.js runs it
// too, with the same fetch.
//
//   npm install && npm run build && node dist/src/web.js URL CONNECTION
import { Code, ConnectError, createClient } from "@connectrpc/connect";
import { createGrpcWebTransport } from "@connectrpc/connect-web";

import { ErrorInfoSchema } from "../gen/google/rpc/error_details_pb.js";
import { EventService } from "../gen/ucal/v1/event_pb.js";
import { WatchService, WatchStart } from "../gen/ucal/v1/watch_pb.js";

async function main(baseUrl: string, connectionId: string): Promise<void> {
  const transport = createGrpcWebTransport({ baseUrl });
  const events = createClient(EventService, transport);

  const page = await events.listEvents({ connectionId, pageSize: 3 });
  if (!page.events.length) throw new Error("no events");
  console.log("listed:", page.events.length, "events");

  const cut = new AbortController();
  const stream = createClient(WatchService, transport).watchEvents(
    { scope: { connectionId }, start: WatchStart.INITIAL_STATE },
    { signal: cut.signal },
  );
  const told: string[] = [];
  for await (const { message } of stream) {
    told.push(message.case ?? "");
    if (message.case === "synced") break;
  }
  cut.abort(); // leaving the loop alone would leave the stream open
  if (told[0] !== "opened" || !told.includes("changes")) throw new Error(told.join());
  console.log("watch: opened, told what there is, synced");

  const failed = await events.getEvent({ connectionId, id: "nowhere" }).then(
    () => { throw new Error("an event called nowhere was found"); },
    ConnectError.from,
  );
  const reason = failed.findDetails(ErrorInfoSchema)[0]?.reason;
  if (failed.code !== Code.NotFound || reason !== "NOT_FOUND") throw failed;
  console.log("error:", reason);
}

if (process.argv.length !== 4) throw new Error("usage: node dist/src/web.js URL CONNECTION");
await main(process.argv[2], process.argv[3]);
