// A whole job with the real binary: main, a checkout in between, post; and a download over TLS through a proxy.
import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import * as fs from "node:fs";
import net from "node:net";
import path from "node:path";
import { after, before, test } from "node:test";
import { CHECKOUT, files, job, main, post, refused, scratch, server, state } from "./harness.mjs";

const BINARY = path.resolve(process.env.JOBPASS ?? path.join(CHECKOUT, "target", "debug", "jobpass"));
const INPUTS = {
    "INPUT_AWS-ROLE": "arn:aws:iam::123456789012:role/deploy",
    "INPUT_AWS-REGION": "eu-central-1",
    "INPUT_GCP-PROVIDER": "projects/123456789012/locations/global/workloadIdentityPools/ci-pool/providers/github",
    "INPUT_AZURE-CLIENT-ID": "11111111-2222-3333-4444-555555555500",
    "INPUT_AZURE-TENANT-ID": "acme.example",
    INPUT_PATH: "",
};
const cleanups = [];
let sandbox, directory, variables, https;

before(async () => {
    assert.ok(fs.existsSync(BINARY), `expected the binary at ${BINARY}, met nothing: run cargo build`);
    directory = scratch({ after: (clean) => cleanups.push(clean) }, "shim sandbox-");
    const args = ["sandbox", "--open", "--format", "json", "--ca-file", path.join(directory, "ca.pem")];
    args.push("--log", path.join(directory, "log"));
    const env = { PATH: process.env.PATH };
    sandbox = spawn(BINARY, args, { stdio: ["pipe", "pipe", "inherit"], env, cwd: directory });
    cleanups.push(() => sandbox.kill());
    let text = "";
    await new Promise((done, refuse) => {
        sandbox.stdout.on("data", (part) => (text += part) && text.endsWith("}\n") && done());
        sandbox.once("exit", () => refuse(new Error(`the sandbox ended early: ${text}`)));
    });
    ({ variables, https } = JSON.parse(text));
});
after(() => cleanups.forEach((clean) => clean()));

/** A job on a GitHub-like runner beside the sandbox, with the real binary in the action's folder or the workspace. */
function whole(t, { carried = true } = {}) {
    const text = fs.readFileSync(BINARY);
    // The real binary refuses a pass at a path with a line break.
    const here = job(t, { text, carried, name: "shim a b'%-" });
    for (const name of ["GITHUB_ENV", "GITHUB_OUTPUT", "GITHUB_STEP_SUMMARY"]) {
        fs.writeFileSync(here.at(name), "");
        here.env[name] = here.at(name);
    }
    here.env = { ...variables, ...here.env, HOME: here.at("temp"), ...INPUTS };
    return here;
}

/** How many connections the stand-ins have accepted. */
const accepted = () => fs.readFileSync(path.join(directory, "log"), "utf8").split('"event":"accepted"').length - 1;
const exported = (here) => state({ env: { GITHUB_STATE: here.env.GITHUB_ENV } });

test("three clouds in one step, and the job ends clean", async (t) => {
    const here = whole(t);
    const ended = await main(here);
    assert.equal(ended.code, 0, ended.out);
    const { STATE_AWS_ACCESS_KEY_ID: key, STATE_JOBPASS_PASS: pass } = exported(here);
    assert.match(key, /^A\w+SANDBOX|SANDBOX/);
    assert.equal(state(here).STATE_pass, pass, "the post step ends this pass");
    assert.ok(files(here.at("temp")).length > 2);

    const closed = await post(here, { ...state(here), JOBPASS_PASS: pass });
    assert.equal(closed.code, 0, closed.out);
    assert.deepEqual([files(here.at("temp")), files(here.at("workspace")), files(here.at("tools"))], [[], [], []]);
    assert.equal(exported(here).STATE_AWS_ACCESS_KEY_ID, "");
});

test("the shim opens no connection: as many as the bare binary opens", async (t) => {
    const here = whole(t);
    const start = accepted();
    assert.equal((await main(here)).code, 0);
    const through = accepted() - start;
    const bare = spawn(BINARY, ["action"], { env: here.env, cwd: here.at("workspace"), stdio: "ignore" });
    assert.equal(await new Promise((done) => bare.on("exit", done)), 0);
    assert.deepEqual([through, accepted() - start - through], [6, 6]);
});

test("with `path` in the workspace and a checkout in between the job ends clean too", async (t) => {
    const here = whole(t, { carried: false });
    fs.copyFileSync(BINARY, here.at("workspace", "jobpass"));
    const env = { INPUT_PATH: "./jobpass" };
    const ended = await main(here, env);
    assert.equal(ended.code, 0, ended.out);
    fs.rmSync(here.at("workspace"), { recursive: true });
    fs.mkdirSync(here.at("workspace"));
    const closed = await post(here, { ...env, ...state(here) });
    assert.equal(closed.code, 0, closed.out);
    assert.deepEqual(fs.readdirSync(here.at("temp")), []);
});

test("a refused login fails the step with the binary's own code, and post has nothing to hide", async (t) => {
    const here = whole(t);
    const env = { ACTIONS_ID_TOKEN_REQUEST_URL: undefined, ACTIONS_ID_TOKEN_REQUEST_TOKEN: undefined };
    const ended = await main(here, env);
    assert.equal(ended.code, 3, ended.out);
    assert.match(ended.out, /^::error title=jobpass/m);
    assert.equal((await post(here, { ...env, ...state(here) })).code, 0);
    assert.deepEqual(files(here.at("temp")), []);
});

test("a release is fetched over TLS through the proxy, with the certificates that SSL_CERT_FILE names", async (t) => {
    const { port } = new URL(https);
    const asked = [];
    const proxy = await server(t, (_, response) => response.writeHead(500).end());
    proxy.listener.on("connect", (request, client) => {
        asked.push(request.url);
        const up = net.connect(port, "127.0.0.1", () => client.write("HTTP/1.1 200 Connection established\r\n\r\n"));
        up.pipe(client).pipe(up);
        for (const socket of [up, client]) socket.on("error", () => {});
    });
    const here = job(t, { base: `https://127.0.0.1:${port}/releases`, carried: false });
    const env = { HTTPS_PROXY: proxy.base };
    // The stand-in has no releases: its 404 shows that the tunnel and the certificate held.
    refused(await main(here, { ...env, SSL_CERT_FILE: path.join(directory, "ca.pem") }), 6, "HTTP 404");
    assert.deepEqual(asked, [`127.0.0.1:${port}`]);
    refused(await main(here, env), 6, "UNABLE_TO_VERIFY_LEAF_SIGNATURE");
});
