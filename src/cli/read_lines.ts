/**
 * Lines of a stream, each of bounded length, without reading all of it into memory.
 *
 * @module
 */

/** A line, or why it has no text. */
export type Line =
  & { /** From 1. */ readonly number: number }
  & (
    | { readonly text: string; readonly problem?: undefined }
    | { readonly text?: undefined; readonly problem: string }
  );

const LINE_FEED = 0x0a;

/**
 * Cuts a stream at its line feeds. Empty lines are left out.
 *
 * @param maxOctets Of a longer line nothing is kept.
 */
export async function* readLines(
  stream: AsyncIterable<Uint8Array>,
  maxOctets: number,
): AsyncGenerator<Line> {
  const decoder = new TextDecoder("utf-8", { fatal: true, ignoreBOM: true });
  let pieces: Uint8Array[] = [];
  let octets = 0;
  let number = 1;

  function take(): Line | undefined {
    const line = octets > maxOctets ? { number, problem: "it is too long" } : decode();
    [pieces, octets] = [[], 0];
    number++;
    return line.text === "" ? undefined : line;
  }

  function decode(): Line {
    const whole = new Uint8Array(octets);
    let at = 0;
    for (const piece of pieces) {
      whole.set(piece, at);
      at += piece.length;
    }
    try {
      return { number, text: decoder.decode(whole).replace(/\r$/, "") };
    } catch {
      return { number, problem: "it is not UTF-8" };
    }
  }

  function keep(piece: Uint8Array): void {
    octets += piece.length;
    if (octets > maxOctets) pieces = [];
    else pieces.push(piece);
  }

  for await (const chunk of stream) {
    let from = 0;
    for (let at = chunk.indexOf(LINE_FEED); at >= 0; at = chunk.indexOf(LINE_FEED, from)) {
      keep(chunk.subarray(from, at));
      from = at + 1;
      const line = take();
      if (line !== undefined) yield line;
    }
    keep(chunk.slice(from));
  }
  const line = octets === 0 ? undefined : take();
  if (line !== undefined) yield line;
}
