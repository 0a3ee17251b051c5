import { assert, assertEquals, assertThrows } from "@std/assert";
import { decodeHex, encodeHex } from "@std/encoding";
import fc from "fast-check";
import { describe, it } from "node:test";
import { vector, vectorBytes } from "./_harness_vectors.ts";
import { decodeCompound, encodeCompound } from "./compound.ts";
import { DecodeError } from "./decode_error.ts";
import { decrypt, encrypt, encryptedLength, type EncryptionVersion } from "./encryption.ts";
import { Keyring } from "./keyring.ts";
import { addLabel, labelBytes, removeLabel, splitLabel } from "./label.ts";

const SEED = 20_260_226;
const text = (value: string): Uint8Array => new TextEncoder().encode(value);

describe("addLabel()", () => {
  it("addLabel() equals V-28, and removeLabel() undoes it", () => {
    const label = labelBytes("prod");
    assertEquals(encodeHex(addLabel(label, vectorBytes("V-27"))), vector("V-28").hex);
    assertEquals(removeLabel(label, vectorBytes("V-28")), vectorBytes("V-27"));
    assertEquals(encodeHex(addLabel(labelBytes(""), Uint8Array.of(1))), "01");
  });

  it("splitLabel() takes no header for an empty label, and refuses malformed ones (C-32)", () => {
    for (const hex of ["", "00", "0102"]) {
      const { label, rest } = splitLabel(decodeHex(hex));
      assertEquals([label.length, encodeHex(rest)], [0, hex]);
    }
    for (const hex of ["f4", "f400", "f40001", "f405ab"]) {
      const error = assertThrows(() => splitLabel(decodeHex(hex)), DecodeError) as DecodeError;
      assertEquals(error.reason, "label");
    }
  });

  it("labelBytes() counts bytes, not characters", () => {
    assertEquals(labelBytes("é".repeat(127)).length, 254);
    assertThrows(() => labelBytes("é".repeat(128)), RangeError, "255");
  });
});

describe("encodeCompound()", () => {
  it("encodeCompound() equals V-26, and decodeCompound() undoes it", () => {
    const parts = [vectorBytes("V-02"), vectorBytes("V-09")];
    assertEquals(encodeHex(encodeCompound(parts)), vector("V-26").hex);
    assertEquals(decodeCompound(vectorBytes("V-26")), { parts, truncated: 0 });
  });

  it("decodeCompound() keeps what is whole (C-37)", () => {
    const read = (hex: string): unknown => {
      const { parts, truncated } = decodeCompound(decodeHex(hex));
      return [parts.map(encodeHex), truncated];
    };
    assertEquals(read("0700"), [[], 0]);
    assertEquals(read("07020001000201"), [["01"], 1]);
    assertEquals(read("070200010002010203ff"), [["01", "0203"], 0]);
    assertEquals(read("07020000000101"), [["", "01"], 0]);
    for (const hex of ["07", "0701", "070100", "0702000100"]) {
      assertThrows(() => decodeCompound(decodeHex(hex)), DecodeError);
    }
  });

  it("encodeCompound() refuses what its numbers cannot hold", () => {
    const one = Uint8Array.of(1);
    assertEquals(decodeCompound(encodeCompound(Array(255).fill(one))).parts.length, 255);
    assertThrows(() => encodeCompound(Array(256).fill(one)), RangeError, "255");
    const largest = new Uint8Array(65_535);
    assertEquals(decodeCompound(encodeCompound([largest])).parts, [largest]);
    assertThrows(() => encodeCompound([new Uint8Array(65_536)]), RangeError, "65535");
  });
});

describe("encrypt()", () => {
  const key = text("0123456789abcdef");
  const associatedData = text("prod");

  for (const [id, version] of [["V-43", 0], ["V-44", 1]] as const) {
    it(`encrypt() equals ${id}, both ways`, () => {
      const bytes = vectorBytes(id);
      assertEquals(decrypt(bytes, { keys: [key], associatedData }), text("hello"));
      const nonce = [...bytes.subarray(1, 13)];
      const random = (): number => nonce.shift()! / 256;
      const encrypted = encrypt(text("hello"), { key, associatedData, random, version });
      assertEquals(encodeHex(encrypted), vector(id).hex);
    });
  }

  it("decrypt() refuses every change, truncation, other key and other associated data", () => {
    const bytes = vectorBytes("V-44");
    for (let bit = 0; bit < bytes.length * 8; bit++) {
      const changed = bytes.slice();
      changed[bit >> 3]! ^= 1 << (bit & 7);
      assertThrows(() => decrypt(changed, { keys: [key], associatedData }), DecodeError);
    }
    for (let end = 0; end < bytes.length; end++) {
      const options = { keys: [key], associatedData };
      assertThrows(() => decrypt(bytes.subarray(0, end), options), DecodeError);
    }
    for (
      const options of [
        { keys: [], associatedData },
        { keys: [key.map((byte) => byte ^ 1)], associatedData },
        { keys: [key], associatedData: text("prod2") },
      ]
    ) {
      const error = assertThrows(() => decrypt(bytes, options), DecodeError) as DecodeError;
      assertEquals(error.reason, "decrypt");
    }
  });

  it("decrypt() is the inverse of encrypt() for all key sizes and both versions", () => {
    fc.assert(
      fc.property(
        fc.uint8Array({ maxLength: 70 }),
        fc.constantFrom(16, 24, 32),
        fc.constantFrom<EncryptionVersion>(0, 1),
        fc.uint8Array({ maxLength: 20 }),
        (message, keyBytes, version, associatedData) => {
          const key = new Uint8Array(keyBytes).fill(keyBytes);
          const random = (): number => 0.7;
          const encrypted = encrypt(message, { key, associatedData, random, version });
          assertEquals(encrypted.length, encryptedLength(message.length, version));
          assertEquals(decrypt(encrypted, { keys: [key], associatedData }), message);
        },
      ),
      { seed: SEED },
    );
  });
});

describe("Keyring", () => {
  const [one, two, three] = [16, 24, 32].map((size) => new Uint8Array(size).fill(size)) as [
    Uint8Array,
    Uint8Array,
    Uint8Array,
  ];

  it("add(), use() and remove() rotate keys without a gap", () => {
    const sender = new Keyring([one]);
    const receiver = new Keyring([one]);
    const passes = (): void => {
      const associatedData = new Uint8Array(0);
      const sealed = encrypt(text("hi"), { key: sender.primary, associatedData, random: () => 0 });
      assertEquals(decrypt(sealed, { keys: receiver.keys, associatedData }), text("hi"));
    };
    passes();
    receiver.add(two);
    passes();
    sender.add(two);
    sender.use(two);
    passes();
    receiver.use(two);
    sender.remove(one);
    receiver.remove(one);
    passes();
    assertEquals(receiver.keys, [two]);
  });

  it("add() ignores known keys, and remove() unknown ones", () => {
    const keyring = new Keyring([one, two, one]);
    keyring.add(two);
    keyring.remove(three);
    assertEquals(keyring.keys, [one, two]);
    keyring.add(three);
    keyring.use(three);
    assertEquals(keyring.keys, [three, one, two]);
    assertEquals(keyring.primary, three);
  });

  it("Keyring refuses no keys, other sizes, unknown primaries, and losing the primary", () => {
    assertThrows(() => new Keyring([]), RangeError);
    assertThrows(() => new Keyring([new Uint8Array(15)]), RangeError, "15");
    const keyring = new Keyring([one, two]);
    assertThrows(() => keyring.use(three), RangeError);
    assertThrows(() => keyring.remove(one), RangeError, "primary");
    assertEquals(keyring.keys, [one, two]);
  });

  it("Keyring copies keys", () => {
    const key = one.slice();
    const keyring = new Keyring([key]);
    key.fill(0);
    assertEquals(keyring.primary, one);
    assert(Object.isFrozen(keyring.keys));
  });
});
