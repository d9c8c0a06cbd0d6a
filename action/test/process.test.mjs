// The binary as a child: what it gets, what becomes of signals and of its exit code.
import assert from "node:assert/strict";
import { test } from "node:test";
import { job, main, post, refused, start } from "./harness.mjs";

/** Waits for a signal, not for ever: one that never comes is a red test and no process that stays. */
const WAITS = "echo ready\nfor turn in $(seq 200); do sleep 0.02; done\n";
/** Says what it got and ends in its own time. */
const TRAPS = `#!/bin/sh
for name in INT TERM HUP; do trap "echo got $name; sleep 0.3; echo cleaned; exit 9" $name; done
${WAITS}`;

test("its exit code is the step's, in main and in post", async (t) => {
    const here = job(t, { text: '#!/bin/sh\nexit "$CODE"\n' });
    for (const code of [0, 1, 2, 3, 4, 5, 6, 7, 8, 130, 143, 255]) {
        const ended = await main(here, { CODE: String(code) });
        assert.deepEqual(ended, { code, signal: null, out: "" });
    }
    assert.equal((await post(here, { CODE: "5", STATE_pass: "/p" })).code, 5);
});

test("a signal that ends it becomes 128 + its number", async (t) => {
    const here = job(t, { text: '#!/bin/sh\nkill "-$SIGNAL" $$\n' });
    for (const [signal, code] of [["HUP", 129], ["INT", 130], ["ABRT", 134], ["KILL", 137], ["TERM", 143]]) {
        assert.deepEqual(await main(here, { SIGNAL: signal }), { code, signal: null, out: "" });
    }
});

for (const file of ["main.mjs", "post.mjs"]) {
    test(`${file} passes signals on and waits`, async (t) => {
        const here = job(t, { text: TRAPS });
        for (const signal of ["SIGINT", "SIGTERM", "SIGHUP"]) {
            const running = start(here, file, { STATE_pass: "/p" });
            await running.said("ready");
            running.child.kill(signal);
            const ended = await running.ended;
            assert.deepEqual(ended, { code: 9, signal: null, out: `ready\ngot ${signal.slice(3)}\ncleaned\n` });
        }
    });
}

test("the second signal of a cancellation reaches it too", async (t) => {
    const traps = "trap 'echo got INT' INT\ntrap 'echo got TERM; exit 8' TERM\n";
    const here = job(t, { text: `#!/bin/sh\n${traps}${WAITS}` });
    const running = start(here, "main.mjs");
    await running.said("ready");
    running.child.kill("SIGINT");
    await running.said("got INT");
    running.child.kill("SIGTERM");
    assert.equal((await running.ended).code, 8);
});

test("it gets the step's environment as it is, and no input as an argument", async (t) => {
    // Each command line and the environment as the kernel holds them: a shell would drop names with hyphens.
    const here = job(t, {
        text: "#!/bin/sh\nfor file in $$/cmdline $PPID/cmdline $$/environ; do cat /proc/$file; echo; done\n",
    });
    const given = {
        "INPUT_AWS-ROLE": "arn:aws:iam::123456789012:role/deploy $(id) `id`",
        "INPUT_GCP-PROVIDER": "two\nlines",
        INPUT_TTL: "",
        ACTIONS_ID_TOKEN_REQUEST_TOKEN: "request-token",
        JOBPASS_TEST: "percent % and 'quotes\"",
    };
    const { code, out } = await main(here, given);
    assert.equal(code, 0);
    const [own, parents, ...environment] = out.split("\0\n");
    assert.deepEqual(own.split("\0"), ["/bin/sh", here.places.carried, "action"]);
    assert.deepEqual(parents.split("\0"), [process.execPath, here.at("action", "main.mjs")]);
    const expected = { ...here.env, ...given };
    const pairs = Object.entries(expected).map(([name, value]) => `${name}=${value}`);
    const got = environment.join("\0\n").split("\0").filter((pair) => pair.includes("="));
    assert.deepEqual(got.sort(), pairs.sort());
});

test("streams are inherited: what it says is the step's output, and it can read", async (t) => {
    const here = job(t, { text: "#!/bin/sh\necho data; echo talk >&2; cat\n" });
    const running = start(here, "main.mjs");
    running.child.stdin.end("asked\n");
    const { out } = await running.ended;
    assert.deepEqual(out.split("\n").sort(), ["", "asked", "data", "talk"]);
});

test("an annotation is one line whatever it quotes", async (t) => {
    const here = job(t);
    const ended = await main(here, { INPUT_PATH: "100%0A\r\n::set-output name=x::y" });
    refused(ended, 5, "100%0A\r\n::set-output name=x::y");
    assert.ok(ended.out.includes("100%250A%0D%0A::set-output"), ended.out);
    assert.ok(!ended.out.includes("\r"), "the runner reads lines that a carriage return ends too");
});
