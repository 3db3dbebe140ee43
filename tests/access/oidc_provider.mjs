// A real OpenID provider (npm oidc-provider) on loopback: prints its issuer, then serves.
// Arguments: port (0: any), key id, signature algorithm (RS256, ES256).
import { generateKeyPairSync } from "node:crypto";
import http from "node:http";
import path from "node:path";
import { pathToFileURL } from "node:url";

const [port, kid, alg] = process.argv.slice(2);
const entry = path.join(process.env.OIDC_PROVIDER, "lib", "index.js");
const { Provider } = await import(pathToFileURL(entry));

const made =
  alg === "ES256"
    ? generateKeyPairSync("ec", { namedCurve: "P-256" })
    : generateKeyPairSync("rsa", { modulusLength: 2048 });
const key = { ...made.privateKey.export({ format: "jwk" }), kid, use: "sig", alg };

const server = http.createServer();
server.listen(Number(port), "127.0.0.1", () => {
  const issuer = `http://127.0.0.1:${server.address().port}`;
  const resource = { scope: "calendar.read", accessTokenFormat: "jwt", jwt: { sign: { alg } } };
  const provider = new Provider(issuer, {
    clients: ["app", "other"].map((client_id) => ({
      client_id,
      client_secret: "secret",
      grant_types: ["client_credentials"],
      id_token_signed_response_alg: alg,
      redirect_uris: [],
      response_types: [],
    })),
    cookies: { keys: ["test"] },
    features: {
      clientCredentials: { enabled: true },
      devInteractions: { enabled: false },
      resourceIndicators: {
        enabled: true,
        getResourceServerInfo: (_, indicator) => ({ ...resource, audience: indicator }),
      },
    },
    jwks: { keys: [key] },
  });
  server.on("request", provider.callback());
  console.log(issuer);
});
