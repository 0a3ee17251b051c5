import { decodeHex } from "@std/encoding";
import type { Check } from "./check.ts";

const message = "/api/v1/ckit/transport/message";
const stream = "/api/v1/ckit/transport/stream";
const kind = "application/x.ckit";

interface Question {
  readonly what: string;
  readonly path?: string;
  readonly type?: string | null;
  readonly method?: string;
  readonly body?: string;
  readonly pieces?: boolean;
  readonly expected: number;
}

const questions: readonly Question[] = [
  { what: "C-04: no frame", expected: 200 },
  { what: "C-05: two frames", body: "cc0001ffcc0001ff", expected: 200 },
  { what: "C-03: the long form of a short frame", body: "cd00000001ff", expected: 200 },
  { what: "an empty frame", body: "cc0000", expected: 200 },
  { what: "C-06: a frame, then none", body: "cc0001ffaa0000", expected: 400 },
  { what: "C-07: part of a header", body: "cc", expected: 400 },
  { what: "C-07: more of a header", body: "cc00", expected: 400 },
  { what: "C-07: part of a payload", body: "cc00050102", expected: 400 },
  { what: "part of a long header", body: "cd000000", expected: 400 },
  { what: "C-15: byte by byte", body: "cc0002ffffcc0001ff", pieces: true, expected: 200 },
  { what: "C-09: no content type", type: null, expected: 400 },
  { what: "C-09: a parameter", type: `${kind}; charset=utf-8`, expected: 400 },
  { what: "C-09: another case", type: "Application/X.ckit", expected: 400 },
  { what: "another content type, for a stream", path: stream, type: "text/plain", expected: 400 },
  { what: "C-11: GET", method: "GET", expected: 200 },
  { what: "PUT", method: "PUT", body: "cc0001ff", expected: 200 },
  { what: "C-12: no such path", path: "/api/v1/ckit/transport/foo", expected: 404 },
];

/** What requests are answered with, before any of it is understood. */
export async function statuses(check: Check): Promise<void> {
  const http2 = Deno.createHttpClient({ http1: false, http2: true });
  const ask = async (question: Omit<Question, "what" | "expected">) => {
    const { path = message, type = kind, method = "POST", body = "", pieces } = question;
    const bytes = decodeHex(body);
    const response = await fetch(`http://${check.to}${path}`, {
      client: http2,
      method,
      headers: type === null ? {} : { "content-type": type },
      ...(method === "GET" ? {} : {
        body: pieces
          ? ReadableStream.from(Array.from(bytes, (byte) => Uint8Array.of(byte)))
          : bytes as BodyInit,
      }),
    });
    await response.body?.cancel();
    return response.status;
  };
  try {
    for (const { what, expected, ...question } of questions) {
      await check.that(what, async () => {
        check.equal(await ask(question), expected, "the status");
      });
    }
    await check.that("C-10: HTTP/1.1", async () => {
      check.equal(await askHttp1(check, message, kind), 505, "the status");
      check.equal(await askHttp1(check, message, "text/plain"), 505, "of another type the status");
      check.equal(await askHttp1(check, stream, kind), 505, "of a stream the status");
    });
    await check.that("C-14: a stream that says nothing", async () => {
      const began = performance.now();
      const reply = await check.raw.converse(check.to, new Uint8Array(0));
      const tookMs = performance.now() - began;
      check.equal(reply ?? "closed", "closed", "the answer");
      if (tookMs < 1_500 || tookMs > 4_000) throw new Error(`closed after ${tookMs} ms`);
    });
  } finally {
    http2.close();
  }
}

/** Whether a port speaks HTTP/1.1 at all is up to the program around ckit: one that hangs up will do for an outside peer. */
async function askHttp1(check: Check, path: string, type: string): Promise<number> {
  const [hostname, port] = check.to.split(":");
  const conn = await Deno.connect({ hostname: hostname!, port: Number(port) });
  try {
    const lines = [
      `POST ${path} HTTP/1.1`,
      `Host: ${check.to}`,
      `Content-Type: ${type}`,
      "Content-Length: 0",
      "Connection: close",
      "",
      "",
    ];
    await conn.write(new TextEncoder().encode(lines.join("\r\n")));
    const answer = new Uint8Array(64);
    const length = await conn.read(answer).catch(() => null) ?? 0;
    const status = /^HTTP\/1\.1 (\d{3})/.exec(new TextDecoder().decode(answer.subarray(0, length)));
    return status === null && check.outside ? 505 : Number(status?.[1]);
  } finally {
    conn.close();
  }
}
