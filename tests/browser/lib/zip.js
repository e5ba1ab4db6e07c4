// Zips, written and read.

import { crc32, deflateRawSync, inflateRawSync } from "node:zlib";

/** `files` are texts or bytes by path. */
export function zip(files) {
  const parts = [];
  const directory = [];
  let offset = 0;
  for (const [path, text] of Object.entries(files)) {
    const name = Buffer.from(path);
    const contents = Buffer.from(text);
    const packed = deflateRawSync(contents, { level: 1 });
    const about = Buffer.alloc(26);
    // Version 2.0, names in UTF-8, deflated, the earliest date.
    about.writeUInt16LE(20, 0);
    about.writeUInt16LE(0x0800, 2);
    about.writeUInt16LE(8, 4);
    about.writeUInt16LE(0x21, 8);
    about.writeUInt32LE(crc32(contents), 10);
    about.writeUInt32LE(packed.length, 14);
    about.writeUInt32LE(contents.length, 18);
    about.writeUInt16LE(name.length, 22);
    parts.push(signature(0x04034b50), about, name, packed);

    const place = Buffer.alloc(14);
    place.writeUInt32LE(offset, 10);
    directory.push(signature(0x02014b50), Buffer.from([20, 0]), about, place, name);
    offset += 30 + name.length + packed.length;
  }
  const listed = Buffer.concat(directory);
  const end = Buffer.alloc(18);
  end.writeUInt16LE(Object.keys(files).length, 4);
  end.writeUInt16LE(Object.keys(files).length, 6);
  end.writeUInt32LE(listed.length, 8);
  end.writeUInt32LE(offset, 12);
  return Buffer.concat([...parts, listed, signature(0x06054b50), end]);
}

function signature(number) {
  const bytes = Buffer.alloc(4);
  bytes.writeUInt32LE(number);
  return bytes;
}

/** The contents of one file of a zip. */
export function unzip(bytes, path) {
  const end = bytes.lastIndexOf(signature(0x06054b50));
  let entry = bytes.readUInt32LE(end + 16);
  for (let left = bytes.readUInt16LE(end + 10); left > 0; left -= 1) {
    const [method, packed, nameLength] = [bytes.readUInt16LE(entry + 10), bytes.readUInt32LE(entry + 20), bytes.readUInt16LE(entry + 28)];
    const local = bytes.readUInt32LE(entry + 42);
    if (bytes.toString("utf8", entry + 46, entry + 46 + nameLength) === path) {
      const start = local + 30 + bytes.readUInt16LE(local + 26) + bytes.readUInt16LE(local + 28);
      const contents = bytes.subarray(start, start + packed);
      return method === 0 ? contents : inflateRawSync(contents);
    }
    entry += 46 + nameLength + bytes.readUInt16LE(entry + 30) + bytes.readUInt16LE(entry + 32);
  }
  throw new Error(`the zip has no ${path}`);
}
