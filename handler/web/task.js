// The guided recordings. `make docs` writes this from tracker/protocol.py: edit that.
export const READY_S = 3; // before the recording begins
export const PAUSE_S = 3; // between two parts
// The parts of each task: [name, [[phase, seconds], …]].
export const TASKS = {
  up_down: [
    ["up_down", [["fixate", 3.0], ["up", 10.0], ["down", 10.0]]],
  ],
  extended: [
    ["fixation", [["fixate", 10.0]]],
    ["vertical", [["up", 2.0], ["down", 2.0], ["up", 2.0], ["down", 2.0], ["up", 2.0], ["down", 2.0], ["up", 2.0], ["down", 2.0]]],
    ["horizontal", [["left", 2.0], ["right", 2.0], ["left", 2.0], ["right", 2.0], ["left", 2.0], ["right", 2.0], ["left", 2.0], ["right", 2.0]]],
    ["hold", [["up", 5.0], ["down", 5.0]]],
    ["rest", [["rest", 60.0]]],
  ],
};
