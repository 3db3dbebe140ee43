// A real SAML bridge (npm @boxyhq/saml-jackson) on loopback, and an identity provider before it that
// signs assertions: a person signs in by SAML, and the bridge's ID token is printed, then served for.
import { generateKeyPairSync } from "node:crypto";
import { createRequire } from "node:module";
import http from "node:http";
import zlib from "node:zlib";

const require = createRequire(import.meta.url);
const jackson = require(process.env.SAML_JACKSON);
const load = createRequire(require.resolve(process.env.SAML_JACKSON));
const saml = load("@boxyhq/saml20").default;
const forge = load("node-forge");

function certificate(privateKey) {
  const key = forge.pki.privateKeyFromPem(privateKey);
  const made = forge.pki.createCertificate();
  made.publicKey = forge.pki.setRsaPublicKey(key.n, key.e);
  made.serialNumber = "01";
  made.validity.notBefore = new Date(Date.now() - 86400000);
  made.validity.notAfter = new Date(Date.now() + 86400000);
  made.setSubject([{ name: "commonName", value: "idp" }]);
  made.setIssuer([{ name: "commonName", value: "idp" }]);
  made.sign(key, forge.md.sha256.create());
  return forge.pki.certificateToPem(made);
}

const pem = (key, type) => key.export({ format: "pem", type });
const base64 = (text) => Buffer.from(text).toString("base64");
const pair = () => generateKeyPairSync("rsa", { modulusLength: 2048 });

const server = http.createServer();
await new Promise((resolve) => server.listen(0, "127.0.0.1", resolve));
const url = `http://127.0.0.1:${server.address().port}`;
const signing = pair();
const bridge = await jackson.default({
  externalUrl: url,
  samlPath: "/saml",
  oidcPath: "/oidc",
  samlAudience: url,
  db: { engine: "mem", ttl: 300, cleanupLimit: 1000 },
  clientSecretVerifier: "verifier",
  noAnalytics: true,
  logger: { info: () => {}, warn: () => {}, error: () => {} },
  openid: {
    jwsAlg: "RS256",
    requestProfileScope: true,
    jwtSigningKeys: {
      private: base64(pem(signing.privateKey, "pkcs8")),
      public: base64(pem(signing.publicKey, "spki")),
    },
  },
});

const idp = pem(pair().privateKey, "pkcs8");
const shown = certificate(idp);
const entity = "https://idp.example.com/entity";
const metadata = `<?xml version="1.0"?>
<EntityDescriptor xmlns="urn:oasis:names:tc:SAML:2.0:metadata" entityID="${entity}">
<IDPSSODescriptor WantAuthnRequestsSigned="false"
 protocolSupportEnumeration="urn:oasis:names:tc:SAML:2.0:protocol"><KeyDescriptor use="signing">
<KeyInfo xmlns="http://www.w3.org/2000/09/xmldsig#"><X509Data><X509Certificate>${shown
  .replace(/-----[^-]+-----/g, "")
  .replace(/\s/g, "")}</X509Certificate></X509Data></KeyInfo></KeyDescriptor>
<NameIDFormat>urn:oasis:names:tc:SAML:1.1:nameid-format:emailAddress</NameIDFormat>
<SingleSignOnService Binding="urn:oasis:names:tc:SAML:2.0:bindings:HTTP-Redirect"
 Location="https://idp.example.com/sso"/></IDPSSODescriptor></EntityDescriptor>`;

const callback = `${url}/back`;
const connection = await bridge.connectionAPIController.createSAMLConnection({
  rawMetadata: metadata,
  tenant: "acme",
  product: "ucal",
  defaultRedirectUrl: callback,
  redirectUrl: JSON.stringify([callback]),
});

// One sign-in: authorize, the assertion, the code, the token.
async function signIn(groups) {
  const begun = await bridge.oauthController.authorize({
    client_id: connection.clientID,
    redirect_uri: callback,
    response_type: "code",
    scope: "openid",
    state: "s",
    nonce: "n",
  });
  const asked = new URL(begun.redirect_url).searchParams;
  const request = zlib.inflateRawSync(Buffer.from(asked.get("SAMLRequest"), "base64")).toString();
  const person = { id: "ann", email: "ann@example.com", firstName: "Ann", lastName: "A" };
  const answer = await saml.createSAMLResponse({
    audience: url,
    issuer: entity,
    acsUrl: `${url}/saml`,
    claims: { ...person, raw: { ...person, groups } },
    requestId: /ID="([^"]+)"/.exec(request)[1],
    privateKey: idp,
    publicKey: shown,
  });
  const ended = await bridge.oauthController.samlResponse({
    SAMLResponse: base64(answer),
    RelayState: asked.get("RelayState"),
  });
  const token = await bridge.oauthController.token({
    grant_type: "authorization_code",
    code: new URL(ended.redirect_url).searchParams.get("code"),
    client_id: connection.clientID,
    client_secret: connection.clientSecret,
    redirect_uri: callback,
  });
  return token.id_token;
}

server.on("request", async (request, response) => {
  const found = request.url.startsWith("/.well-known/")
    ? bridge.oidcDiscoveryController.openidConfig()
    : await bridge.oidcDiscoveryController.jwks();
  response.setHeader("content-type", "application/json");
  response.end(JSON.stringify(found));
});
console.log(
  JSON.stringify({
    issuer: url,
    audience: connection.clientID,
    planner: await signIn("planners"),
    other: await signIn("others"),
  }),
);
