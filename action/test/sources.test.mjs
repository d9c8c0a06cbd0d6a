// Which binary runs, and that a changed one never does.
import assert from "node:assert/strict";
import * as fs from "node:fs";
import { test } from "node:test";
import { FAKE, MACHINE, files, job, main, program, refused, server, sha256, start } from "./harness.mjs";

const CHANGED = "#!/bin/sh\necho changed\n";

test("the sources come in their order, and the first that is there runs", async (t) => {
    const release = await server(t, (_, response) => response.end(FAKE));
    const here = job(t, { base: `${release.base}/v1` });
    program(here.places.cached);
    program(here.places.path);
    const ran = async (env) => (await main(here, env)).out;

    assert.match(await ran({ INPUT_PATH: "my tools/jobpass" }), /^ran .*jobpass-bin-\w{6}\/jobpass action\n$/s);
    assert.equal(await ran({}), `ran ${here.places.carried} action\n`);
    assert.equal(await ran({ INPUT_PATH: " \n" }), `ran ${here.places.carried} action\n`, "blank is absent");
    fs.rmSync(here.places.carried);
    assert.equal(await ran({}), `ran ${here.places.cached} action\n`);
    assert.deepEqual(release.seen, [], "nothing is downloaded while a binary is here");
    fs.rmSync(here.at("tools", "jobpass"), { recursive: true });
    assert.equal(await ran({}), `ran ${here.places.cached} action\n`);
    assert.deepEqual(release.seen, ["/v1/jobpass-test"]);
    assert.equal(await ran({}), `ran ${here.places.cached} action\n`);
    assert.equal(release.seen.length, 1, "the second use takes it from the tool cache");
});

test("a changed file stops the step and no other source is tried", async (t) => {
    const release = await server(t, (_, response) => response.end(FAKE));
    for (const place of ["carried", "cached"]) {
        const here = job(t, { base: release.base, carried: false });
        program(here.places.cached);
        program(here.places[place], CHANGED);
        refused(await main(here), 5, here.places[place], here.entry.sha256, sha256(CHANGED), "was not run");
        assert.ok(fs.existsSync(here.places[place]), "it stays for whoever looks into it");
    }
    assert.deepEqual(release.seen, []);
});

test("a file that cannot be read is no absence either", async (t) => {
    const release = await server(t, (_, response) => response.end(FAKE));
    const here = job(t, { base: release.base, carried: false });
    fs.mkdirSync(here.places.carried, { recursive: true });
    refused(await main(here), 5, here.places.carried, "EISDIR");
    assert.deepEqual(release.seen, []);
});

test("a file in the tool cache is checked on every use", async (t) => {
    const here = job(t, { carried: false });
    program(here.places.cached);
    assert.equal((await main(here)).code, 0);
    fs.appendFileSync(here.places.cached, "# one byte more\n");
    refused(await main(here), 5, here.places.cached);
});

test("the whole file is checked, also one of several parts", async (t) => {
    const text = `${FAKE}exit 0\n${"#".repeat(700_000)}`;
    const here = job(t, { text });
    assert.equal((await main(here)).code, 0);
    fs.writeFileSync(here.places.carried, `${text.slice(0, -1)}!`);
    refused(await main(here), 5, here.places.carried);
});

test("a commit without binaries, and a machine without one, say what to do", async (t) => {
    const table = (binaries) => ({ version: "1", base: "https://example.invalid", binaries });
    const none = "this commit of the action carries no binaries: use a release commit, or name a binary with `path`";
    refused(await main(job(t, { table: table({}) })), 2, `a binary for ${MACHINE}`, none);
    const other = table({ "plan9-mips": { file: "x", sha256: "0" } });
    refused(await main(job(t, { table: other })), 2, `a binary for ${MACHINE}`, "met plan9-mips");
    const here = job(t, { carried: false });
    refused(await main(here, { RUNNER_TOOL_CACHE: undefined }), 2, here.places.carried, "RUNNER_TOOL_CACHE");
    assert.equal((await main(job(t), { RUNNER_TOOL_CACHE: undefined })).code, 0, "not needed when it is carried");
});

test("`path` starts at the workspace and names an executable file", async (t) => {
    const here = job(t, { table: { version: "1", base: "", binaries: {} } });
    program(here.places.path);
    for (const given of ["my tools/jobpass", `  ${here.places.path}\n`, "./my tools/../my tools/jobpass"]) {
        assert.equal((await main(here, { INPUT_PATH: given })).code, 0, given);
    }
    fs.symlinkSync(here.places.path, here.at("workspace", "link"));
    assert.equal((await main(here, { INPUT_PATH: "link" })).code, 0, "a link to a file is a file");
    const before = files(here.at("temp")).length;
    refused(await main(here, { INPUT_PATH: "nothing" }), 5, "ENOENT", here.at("workspace", "nothing"));
    refused(await main(here, { INPUT_PATH: "my tools" }), 5, here.at("workspace", "my tools"), "no file");
    fs.writeFileSync(here.at("workspace", "plain"), FAKE, { mode: 0o644 });
    refused(await main(here, { INPUT_PATH: "plain" }), 5, "EACCES");
    assert.equal(files(here.at("temp")).length, before, "what is refused is not copied");
});

test("a binary for another machine is an error of ours, not of node", async (t) => {
    const here = job(t, { text: "#!/no/such/loader\n" });
    refused(await main(here), 5, here.places.carried, `built for ${MACHINE}`);
    fs.chmodSync(here.places.carried, 0o644);
    refused(await main(here), 5, here.places.carried, "EACCES");
});

test("a link to a changed file is refused as the file is", async (t) => {
    const here = job(t, { carried: false });
    const changed = program(here.at("changed"), CHANGED);
    fs.mkdirSync(here.at("action", "bin"));
    fs.symlinkSync(changed, here.places.carried);
    refused(await main(here), 5, here.entry.sha256);
});

test("says which binary runs when the runner debugs, and nothing otherwise", async (t) => {
    const here = job(t, { text: "#!/bin/sh\n" });
    assert.equal((await main(here)).out, "");
    const { out } = await start(here, "main.mjs", { RUNNER_DEBUG: "1" }).ended;
    assert.equal(out, `::debug::jobpass runs ${here.places.carried}\n`);
});
