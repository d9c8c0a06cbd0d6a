// The post step ends the pass also when the binary of the main step is gone, and leaves nothing of its own.
import assert from "node:assert/strict";
import * as fs from "node:fs";
import path from "node:path";
import { test } from "node:test";
import { FAKE, files, job, main, post, program, refused, server, state } from "./harness.mjs";

/** A main step with `path`; returns what its post step sees. */
async function used(here) {
    program(here.places.path);
    const input = { INPUT_PATH: "my tools/jobpass" };
    assert.equal((await main(here, input)).code, 0);
    return { ...input, ...state(here), STATE_pass: here.at("temp", "pass") };
}

test("without a pass there is nothing to end", async (t) => {
    const here = job(t, { carried: false });
    for (const env of [{}, { STATE_pass: "" }]) {
        const expected = "jobpass: no pass was opened, so there is none to end\n";
        assert.deepEqual(await post(here, env), { code: 0, signal: null, out: expected });
    }
});

test("ends the pass of its own main step with the same binary", async (t) => {
    const here = job(t);
    const pass = "/p/with a space\nand a line";
    assert.equal((await post(here, { STATE_pass: pass })).out, `ran ${here.places.carried} logout --pass ${pass}\n`);
    assert.equal((await main(here)).code, 0);
    assert.equal(fs.readFileSync(here.env.GITHUB_STATE, "utf8"), "", "a pinned binary needs no state");
    assert.deepEqual(files(here.at("temp")), []);
});

test("a checkout in between takes `path` away: the copy runs, and goes", async (t) => {
    const here = job(t, { carried: false });
    const env = await used(here);
    const own = path.dirname(env.STATE_binary);
    assert.deepEqual([path.dirname(own), path.basename(env.STATE_binary)], [here.at("temp"), "jobpass"]);
    assert.equal(fs.statSync(own).mode & 0o777, 0o700, "nobody else can swap it");
    fs.rmSync(here.at("workspace"), { recursive: true });
    fs.mkdirSync(here.at("workspace"));
    assert.deepEqual(await post(here, env), {
        code: 0, signal: null, out: `ran ${env.STATE_binary} logout --pass ${env.STATE_pass}\n`,
    });
    assert.deepEqual(fs.readdirSync(here.at("temp")), []);
});

test("a checkout in between that puts another binary there changes nothing", async (t) => {
    const here = job(t, { carried: false });
    const env = await used(here);
    program(here.places.path, "#!/bin/sh\necho another version\n");
    assert.equal((await post(here, env)).out, `ran ${env.STATE_binary} logout --pass ${env.STATE_pass}\n`);
});

test("the copy goes without a pass, and when logout fails", async (t) => {
    for (const STATE_pass of ["", "/p"]) {
        const here = job(t, { carried: false });
        const env = await used(here);
        program(env.STATE_binary, "#!/bin/sh\nexit 5\n");
        assert.equal((await post(here, { ...env, STATE_pass })).code, STATE_pass ? 5 : 0);
        assert.deepEqual(fs.readdirSync(here.at("temp")), []);
    }
});

test("two uses in one job keep apart", async (t) => {
    const here = job(t, { carried: false });
    const first = await used(here);
    fs.writeFileSync(here.env.GITHUB_STATE, "");
    const second = await used(here);
    assert.notEqual(first.STATE_binary, second.STATE_binary);
    assert.equal((await post(here, second)).code, 0);
    assert.equal((await post(here, first)).code, 0);
    assert.deepEqual(fs.readdirSync(here.at("temp")), []);
});

test("when no binary is left it says what stays where", async (t) => {
    const here = job(t, { carried: false });
    const env = await used(here);
    fs.rmSync(env.STATE_binary);
    refused(await post(here, env), 5, env.STATE_binary, `remove ${env.STATE_pass}`, "work until they expire");
    assert.deepEqual(fs.readdirSync(here.at("temp")), []);
    // Without the runner's files main makes no copy, and post can only look at the place again.
    const bare = { INPUT_PATH: "my tools/jobpass", GITHUB_STATE: undefined, RUNNER_TEMP: undefined };
    assert.equal((await main(here, bare)).out, `ran ${here.places.path} action\n`);
    fs.rmSync(here.places.path);
    refused(await post(here, { ...bare, STATE_pass: "/p" }), 5, here.places.path, "remove /p");
});

test("a wiped tool cache is filled again, and what cannot be had is said with the pass", async (t) => {
    const release = await server(t, (_, response) => response.end(FAKE));
    const here = job(t, { base: release.base, carried: false });
    assert.equal((await main(here)).code, 0);
    fs.rmSync(here.at("tools"), { recursive: true });
    assert.equal((await post(here, { STATE_pass: "/p" })).out, `ran ${here.places.cached} logout --pass /p\n`);
    program(here.places.cached, "#!/bin/sh\necho changed\n");
    refused(await post(here, { STATE_pass: "/p" }), 5, here.places.cached, "remove /p");
    const offline = job(t, { carried: false });
    refused(await post(offline, { STATE_pass: "/p" }), 6, "ECONNREFUSED", "remove /p");
});

test("a variable that looks like state runs nothing and removes nothing", async (t) => {
    const here = job(t);
    const other = program(here.at("other", "program"), "#!/bin/sh\necho other\n");
    const { out } = await post(here, { STATE_pass: "/p", STATE_binary: other });
    assert.equal(out, `ran ${here.places.carried} logout --pass /p\n`);
    assert.ok(fs.existsSync(other));
});

test("a copy that cannot be made stops main before anything is opened", async (t) => {
    const here = job(t, { carried: false });
    program(here.places.path);
    const RUNNER_TEMP = here.at("nowhere");
    refused(await main(here, { INPUT_PATH: "my tools/jobpass", RUNNER_TEMP }), 5, RUNNER_TEMP);
    const GITHUB_STATE = here.at("nowhere", "state");
    refused(await main(here, { INPUT_PATH: "my tools/jobpass", GITHUB_STATE }), 5, GITHUB_STATE);
    assert.deepEqual(files(here.at("temp")), []);
});
