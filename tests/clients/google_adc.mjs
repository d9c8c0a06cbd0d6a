// An access token by google-auth-library's Application Default Credentials.
// Reads GOOGLE_APPLICATION_CREDENTIALS and GOOGLE_CLOUD_PROJECT; calls no Google API with the token.
import { createRequire } from "node:module";

const installed = createRequire(new URL("../../target/clients/", import.meta.url));
const { GoogleAuth } = installed("google-auth-library");

try {
  if (!process.env.GOOGLE_CLOUD_PROJECT) throw new Error("GOOGLE_CLOUD_PROJECT is not set");
  const auth = new GoogleAuth({ scopes: "https://www.googleapis.com/auth/cloud-platform" });
  const client = await auth.getClient();
  const { token } = await client.getAccessToken();
  console.log(JSON.stringify({
    token_prefix: token.slice(0, 12),
    expiry: new Date(client.credentials.expiry_date).toISOString(),
    service_account: client.getServiceAccountEmail?.() ?? null,
    project: await auth.getProjectId(),
  }));
} catch (error) {
  console.error(`${error.name}: ${error.message}`);
  process.exitCode = 1;
}
