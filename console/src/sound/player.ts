import type { Tone } from "../logic/alarm";

/** What this browser really does with sound, not what it was asked for. */
export type SoundState = "on" | "blocked" | "absent";

interface Beep {
  /** Seconds after the start of the tone. */
  readonly at: number;
  readonly hz: number;
  readonly seconds: number;
}

/** Told apart by rhythm, not by pitch alone: a room is noisy and ears differ. */
const TONES: Record<Tone | "test", readonly Beep[]> = {
  alarm: [
    { at: 0, hz: 880, seconds: 0.16 },
    { at: 0.2, hz: 1175, seconds: 0.16 },
    { at: 0.4, hz: 880, seconds: 0.16 },
    { at: 0.6, hz: 1175, seconds: 0.28 },
  ],
  again: [
    { at: 0, hz: 1175, seconds: 0.1 },
    { at: 0.14, hz: 1175, seconds: 0.1 },
    { at: 0.28, hz: 1175, seconds: 0.1 },
  ],
  unverified: [
    { at: 0, hz: 660, seconds: 0.25 },
    { at: 0.35, hz: 660, seconds: 0.25 },
  ],
  disconnected: [
    { at: 0, hz: 440, seconds: 0.4 },
    { at: 0.5, hz: 330, seconds: 0.7 },
  ],
  test: [
    { at: 0, hz: 660, seconds: 0.15 },
    { at: 0.2, hz: 880, seconds: 0.25 },
  ],
};

const LOUDNESS = 0.5;
const FADE_S = 0.015;
/** A context may call itself running while its clock stands still: then nothing is heard. */
const STALL_LIMIT_MS = 1_500;

let context: AudioContext | null = null;
let lastClock = { wall: 0, audio: -1 };

/** Creates the sound output where it may exist; harmless before the first gesture. */
export function prepare(): void {
  if (context !== null || typeof AudioContext === "undefined") return;
  try {
    context = new AudioContext({ latencyHint: "interactive" });
  } catch {
    context = null;
  }
}

/** To be called from a gesture: browsers unblock sound only then. */
export function unlock(): void {
  prepare();
  if (context !== null && context.state !== "running") context.resume().catch(() => undefined);
}

export function soundState(wallMs: number): SoundState {
  if (context === null) return "absent";
  if (context.state !== "running") return "blocked";
  if (context.currentTime !== lastClock.audio) {
    lastClock = { wall: wallMs, audio: context.currentTime };
    return "on";
  }
  return wallMs - lastClock.wall > STALL_LIMIT_MS ? "blocked" : "on";
}

/** Plays a tone; false when nothing could be heard. */
export function play(tone: Tone | "test", wallMs: number): boolean {
  if (context === null || soundState(wallMs) !== "on") return false;
  const start = context.currentTime + 0.02;
  for (const beep of TONES[tone]) sound(context, start + beep.at, beep);
  return true;
}

function sound(ctx: AudioContext, start: number, beep: Beep): void {
  const gain = ctx.createGain();
  const end = start + beep.seconds;
  gain.gain.setValueAtTime(0, start);
  gain.gain.linearRampToValueAtTime(LOUDNESS, start + FADE_S);
  gain.gain.setValueAtTime(LOUDNESS, end - FADE_S);
  gain.gain.linearRampToValueAtTime(0, end);
  gain.connect(ctx.destination);
  const tone = ctx.createOscillator();
  tone.type = "triangle";
  tone.frequency.value = beep.hz;
  tone.connect(gain);
  tone.onended = () => gain.disconnect();
  tone.start(start);
  tone.stop(end);
}
