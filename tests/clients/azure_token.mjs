// An Entra access token by @azure/identity: `azure_token.mjs [--workload] SCOPE`.
// DefaultAzureCredential, or with --workload WorkloadIdentityCredential. Reads AZURE_* (or
// IDENTITY_*), AZURE_AUTHORITY_HOST and NODE_EXTRA_CA_CERTS.
import { createRequire } from "node:module";

const installed = createRequire(new URL("../../target/clients/", import.meta.url));
const { DefaultAzureCredential, WorkloadIdentityCredential } = installed("@azure/identity");

const words = process.argv.slice(2);
const workload = words.includes("--workload");
const scope = words.find((word) => !word.startsWith("--"));
const authority = process.env.AZURE_AUTHORITY_HOST ?? "";
const { hostname } = new URL(/:\/\//.test(authority) ? authority : `https://${authority || "unset"}`);
const options = {
  disableInstanceDiscovery: ["localhost", "127.0.0.1", "[::1]"].includes(hostname),
  retryOptions: { maxRetries: 0 },
};

try {
  if (!scope) throw new Error("usage: azure_token.mjs [--workload] SCOPE");
  const credential = workload ? new WorkloadIdentityCredential(options) : new DefaultAzureCredential(options);
  const { token, expiresOnTimestamp } = await credential.getToken(scope);
  console.log(JSON.stringify({
    token_prefix: token.slice(0, 12),
    expires_on: Math.floor(expiresOnTimestamp / 1000),
  }));
} catch (error) {
  console.error(`${error.name}: ${error.message}`);
  process.exitCode = 1;
}
