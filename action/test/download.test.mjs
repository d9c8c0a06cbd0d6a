// The release as the last source: what is downloaded, what is refused, and that nothing but the pinned bytes is kept.
import assert from "node:assert/strict";
import * as fs from "node:fs";
import net from "node:net";
import path from "node:path";
import { describe, test } from "node:test";
import { FAKE, files, job, main, refused, server, start } from "./harness.mjs";

/** The deadline in a fortieth of the time, without a switch for it in the product. */
const HURRY = `--import=data:text/javascript,${encodeURIComponent(
    "const { timeout } = AbortSignal; AbortSignal.timeout = (ms) => timeout(ms / 40);",
)}`;

/** A job with nothing but the release, and the step's end. */
async function downloads(t, answer, env = {}) {
    const release = await server(t, answer);
    const here = job(t, { base: release.base, carried: false });
    const ended = await main(here, env);
    return { release, here, ended, kept: files(here.at("tools")) };
}

describe("download", { concurrency: 4 }, () => {
    test("lies in the tool cache, executable, and nothing beside it", async (t) => {
        const { here, ended } = await downloads(t, (_, response) => response.end(FAKE));
        assert.equal(ended.out, `ran ${here.places.cached} action\n`);
        assert.deepEqual(fs.readdirSync(here.at("tools", "jobpass", "1.2.3", process.arch)), ["jobpass-test"]);
        assert.equal(fs.statSync(here.places.cached).mode & 0o777, 0o755 & ~process.umask());
    });

    test("other bytes are neither kept nor run", async (t) => {
        const changed = (_, response) => response.end("#!/bin/sh\necho changed\n");
        const { release, here, ended, kept } = await downloads(t, changed);
        refused(ended, 5, release.base, here.entry.sha256, "23 bytes");
        assert.deepEqual(kept, []);
    });

    test("a truncated answer is tried again, and then it is the network's fault", async (t) => {
        const short = (_, response) => {
            response.writeHead(200, { "content-length": FAKE.length });
            response.write(FAKE.slice(0, 9));
            setTimeout(() => response.destroy(), 20);
        };
        const { release, ended, kept } = await downloads(t, short);
        refused(ended, 6, release.base, "UND_ERR_SOCKET");
        assert.deepEqual([release.seen.length, kept], [3, []]);
    });

    test("what passes by itself is tried again", async (t) => {
        const states = [503, 429, 200];
        const { ended } = await downloads(t, (_, response) => response.writeHead(states.shift()).end(FAKE));
        assert.equal(ended.code, 0, ended.out);
    });

    test("what is not there is not asked for again", async (t) => {
        const { release, ended } = await downloads(t, (_, response) => response.writeHead(404).end());
        refused(ended, 6, "HTTP 404", release.base);
        assert.equal(release.seen.length, 1);
    });

    test("more than the limit is not read to its end", async (t) => {
        let sent = 0;
        const endless = (_, response) => {
            const more = () => {
                sent += 1;
                response.write(Buffer.alloc(1 << 20), (error) => error || more());
            };
            more();
        };
        const { release, ended, kept } = await downloads(t, endless);
        refused(ended, 6, `more than ${64 << 20} bytes`);
        assert.ok(sent < 128, `${sent} MiB sent`);
        assert.deepEqual([release.seen.length, kept], [1, []]);
    });

    test("silence ends with the deadline, for all tries together", async (t) => {
        const { ended, kept } = await downloads(t, () => {}, { NODE_OPTIONS: HURRY });
        refused(ended, 6, "aborted due to timeout");
        assert.deepEqual(kept, []);
    });

    test("a dripping answer ends with the deadline too", async (t) => {
        const drip = (_, response) => setInterval(() => response.write("#"), 50).unref();
        const { release, ended } = await downloads(t, drip, { NODE_OPTIONS: HURRY });
        refused(ended, 6, "aborted due to timeout");
        assert.equal(release.seen.length, 1);
    });

    test("redirects are followed, as release assets need it", async (t) => {
        const answer = (request, response) => {
            if (request.url === "/moved/here") response.end(FAKE);
            else response.writeHead(302, { location: "/moved/here" }).end();
        };
        const { release, ended } = await downloads(t, answer);
        assert.equal(ended.code, 0, ended.out);
        assert.deepEqual(release.seen, ["/jobpass-test", "/moved/here"]);
    });

    test("redirects without end are not", async (t) => {
        const again = (_, response) => response.writeHead(302, { location: "/again" }).end();
        const { release, ended } = await downloads(t, again);
        refused(ended, 6, "HTTP 302");
        assert.equal(release.seen.length, 6);
    });

    const looks = ["http://localhost:1", "http://127.0.0.1:1@192.0.2.1", "http://127.0.0.1.example"];
    for (const address of [...looks, "http://192.0.2.1", "ftp://127.0.0.1", "file:///tmp"]) {
        test(`${address} is refused, as address and as the end of a redirect`, async (t) => {
            const here = job(t, { base: address, carried: false });
            refused(await main(here), 6, `${address}/jobpass-test`, "which is not https");
            const answer = (_, response) => response.writeHead(307, { location: `${address}/jobpass-test` }).end();
            const { release, ended } = await downloads(t, answer);
            refused(ended, 6, "which is not https");
            assert.equal(release.seen.length, 1);
        });
    }

    test("a server that is not there is named with the reason", async (t) => {
        const here = job(t, { carried: false });
        refused(await main(here), 6, "http://127.0.0.1:2/jobpass-test", "ECONNREFUSED");
    });

    test("goes through the proxy of the variables, and past it where NO_PROXY says so", async (t) => {
        const cases = [["HTTP_PROXY", "*.example", 1], ["http_proxy", "", 1], ["HTTP_PROXY", "127.0.0.1", 0]];
        for (const [name, NO_PROXY, through] of cases) {
            const asked = [];
            const proxy = await server(t, (request, response) => {
                asked.push(request.url);
                response.end(FAKE);
            });
            proxy.listener.on("connect", (request, client) => {
                asked.push(request.url);
                const [host, port] = request.url.split(":");
                const up = net.connect(port, host, () => {
                    client.write("HTTP/1.1 200 Connection established\r\n\r\n");
                    up.pipe(client).pipe(up);
                });
                for (const socket of [up, client]) socket.on("error", () => {});
            });
            const { ended } = await downloads(t, (_, response) => response.end(FAKE), { [name]: proxy.base, NO_PROXY });
            assert.equal(ended.code, 0, ended.out);
            assert.equal(asked.length, through, `${name} ${NO_PROXY}: ${asked}`);
        }
    });

    test("a tool cache that cannot be written is said, with what to do", async (t) => {
        const release = await server(t, (_, response) => response.end(FAKE));
        const here = job(t, { base: release.base, carried: false });
        fs.writeFileSync(here.at("tools", "jobpass"), "a file where a directory belongs");
        refused(await main(here), 5, here.places.cached, "ENOTDIR");
        // Absent when it is looked for, and in the way when it is written.
        const busy = job(t, { base: release.base, carried: false });
        fs.symlinkSync("/proc/self/no", busy.at("tools", "jobpass"));
        refused(await main(busy), 5, "to write", busy.places.cached);
    });

    test("what was written before the tool cache failed is removed", async (t) => {
        let here;
        const release = await server(t, (_, response) => {
            fs.mkdirSync(path.join(here.places.cached, "in the way"), { recursive: true });
            response.end(FAKE);
        });
        here = job(t, { base: release.base, carried: false });
        refused(await main(here), 5, "rename", here.places.cached);
        assert.deepEqual(files(here.at("tools")), []);
    });

    test("a cancelled download leaves nothing and starts nothing", async (t) => {
        let asked;
        const arrived = new Promise((done) => (asked = done));
        const release = await server(t, (_, response) => {
            response.write("#");
            asked();
        });
        const here = job(t, { base: release.base, carried: false });
        const running = start(here, "main.mjs");
        await arrived;
        running.child.kill("SIGTERM");
        assert.deepEqual(await running.ended, { code: 143, signal: null, out: "" });
        assert.deepEqual(files(here.at("tools")), []);
    });

    test("two jobs that download at once both run, and one file stays", async (t) => {
        const release = await server(t, (_, response) => setTimeout(() => response.end(FAKE), 100));
        const here = job(t, { base: release.base, carried: false });
        for (const ended of await Promise.all([main(here), main(here)])) assert.equal(ended.code, 0, ended.out);
        assert.equal(files(here.at("tools")).length, 1);
    });
});
