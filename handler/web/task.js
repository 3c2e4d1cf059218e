// The guided recording: its instructions and their lengths. The phases are those of tracker/protocol.py.
export const READY_S = 3; // before the recording begins
export const TASK = [
  { phase: "fixate", seconds: 3 },
  { phase: "up", seconds: 10 },
  { phase: "down", seconds: 10 },
];
