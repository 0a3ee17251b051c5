export { crc32c, type CrcOptions as Crc32cOptions } from "../../../shard/hash/crc32.ts";
