"""All texts that a person reads in English. `tracker.words.ko` has the same keys.

This file is a single table, and so it is longer than others. Search it for a key or for words.
"""

TEXTS: dict[str, str] = {
    # What was found: finding.CODE, or finding.CODE.VARIANT where a code has several texts.
    "finding.no_face": "No face was found. Hold the phone upright at arm's length, with the whole "
    "face in the picture and light from the front.",
    "finding.low_rate": "{rate_hz:.1f} frames a second were analysed; at least {least_hz:.0f} are "
    "needed. Record at 30 frames a second, or lower the step.",
    "finding.low_rate.part": "Time was short: for {share:.0%} of the recording fewer than "
    "{least_hz:.0f} frames a second were analysed. Record a shorter video, or at 1280x720.",
    "finding.too_short": "The face was seen for {seen_s:.1f} s; at least {least_s:.0f} s are "
    "needed. Record 10 s looking up and 10 s looking down.",
    "finding.eyes_closed": "The eyes were open for {open_s:.1f} s; at least {least_s:.0f} s are "
    "needed. Keep the eyes open between blinks.",
    "finding.phase_up_missing": "The open eyes were seen for {seen_s:.1f} s while asked to look "
    "up; at least {least_s:.0f} s is needed. Record the whole task.",
    "finding.phase_down_missing": "The open eyes were seen for {seen_s:.1f} s while asked to look "
    "down; at least {least_s:.0f} s is needed. Record the whole task.",
    "finding.face_lost": "The face was seen for {seen:.0%} of the time; at least {least:.0%} are "
    "needed. Keep the whole face in the picture.",
    "finding.eyes_too_small": "An eye is {width_px:.0f} pixels wide; at least {least_px:.0f} are "
    "needed. Move closer to the camera.",
    "finding.head_not_measured": "It could not be measured how the head is held. Face the camera, "
    "with the whole face in the picture.",
    "finding.head_turned": "The head is turned by about {yaw_deg:.0f} degrees; at most "
    "{most_deg:.0f} are possible. Face the camera and move only the eyes.",
    "finding.head_moved.time": "The head moved so much that only {left_s:.1f} s are left; at least "
    "{least_s:.0f} s are needed. Keep the head still and move only the eyes.",
    "finding.head_moved.nod": "The head nodded by {nod_deg:.0f} degrees, which can make "
    "{allowance:.3f} of the measured {range:.3f}. Keep the head still and move only the eyes.",
    "finding.head_moved": "For {share:.0%} of the time the head was turned or nodded, and the gaze "
    "is not counted. Keep the head still and move only the eyes.",
    "finding.camera_angle.above": "The camera looks at the face from above by about "
    "{pitch_deg:.0f} degrees; at most {most_deg:.0f} are possible. Hold the phone at the height of "
    "the eyes.",
    "finding.camera_angle.below": "The camera looks at the face from below by about "
    "{pitch_deg:.0f} degrees; at most {most_deg:.0f} are possible. Hold the phone at the height of "
    "the eyes.",
    "finding.several_faces": "Two faces of similar size are in the picture, and it is not clear "
    "whose is meant. Record one person alone.",
    "finding.gaze_not_measured": "The irises could not be measured. Record in more light.",
    "finding.picture_not_measured": "It could not be measured whether the picture is sharp and "
    "bright enough. Record again in good light, with the whole face in the picture.",
    "finding.too_dark_or_noisy.dark": "The eyes stand out only {ratio:.1f} times above the "
    "picture's noise; {least:.0f} times are needed. The face is dark: record in more light, from "
    "the front.",
    "finding.too_dark_or_noisy.grainy": "The eyes stand out only {ratio:.1f} times above the "
    "picture's noise; {least:.0f} times are needed. The picture is grainy: record in more light, "
    "without digital zoom.",
    "finding.blurred": "The eyes are blurred (sharpness {sharpness:.2f}; at least {least:g} is "
    "needed). Clean the lens, hold the phone still at arm's length, and let it focus on the face.",
    "finding.overexposed": "{share:.0%} of the face is plain white or black; at most {most:.0%} "
    "are possible. Avoid direct sun and lamps on the face or behind it.",
    "finding.sampling_gaps": "The video has too few frames for {share:.0%} of its time (longest "
    "gap {longest_s:.1f} s). Close other apps and record again, and send the video as the phone "
    "stores it.",
    "finding.protocol_mismatch.elsewhere": "The eyes moved by {range:.3f}, but not when they were "
    "asked to: check the protocol's times, or record again.",
    "finding.protocol_mismatch": "The eyes were lower while asked up than while asked down: check "
    "the protocol.",
    "finding.looked_aside": "The eyes moved sideways, which the vertical range depends on: without "
    "it, the range is {range:.3f}. Record again, looking straight up and straight down.",
    "finding.eyes_disagree": "The eyes do not move together: by {disagreement:.3f} of the "
    "{range:.3f} each goes its own way. One eye may move less, or lids that flutter, darkness or "
    "strong compression make it look so. Record again in good light, the head still.",
    "finding.strong_compression": "The video is strongly compressed ({bits:.0f} bits a frame for "
    "an eye), which blurs and moves the eyes. Send it as the phone stores it, not through a "
    "messenger.",
    "finding.baseline_fixed": "The open eye was seen too little to know its shape: a fixed blink "
    "threshold was used.",
    "finding.gaze_not_followed": "In the pictures the irises move up and down by {moved:.2f} of "
    "the eye's width, but the landmarks show {shown:.3f}: they hardly follow, as behind thick rims "
    "of spectacles, and the range is too small. Record without spectacles, in good light.",
    "finding.gaze_not_followed.down": "In the pictures the irises move down by {moved:.2f} of the "
    "eye's width, but the landmarks show {shown:.3f}: they hardly follow, as behind thick rims of "
    "spectacles, and the range down is too small. Record without spectacles, in good light.",
    "finding.gaze_not_followed.up": "In the pictures the irises move up and down by {moved:.2f} of "
    "the eye's width, but the landmarks show {shown:.3f}: they hardly follow, as behind thick rims "
    "of spectacles. The range up is too small; what is known of the range down stays. Record "
    "without spectacles, in good light.",
    "finding.eyes_held_shut": "An eye was held shut for {shut_s:.1f} s, in which the gaze is not "
    "counted. What the eyes did then is not known: ask the person to keep both eyes open.",
    "finding.lids_lowered": "The upper lids covered the irises for {hidden_s:.1f} s, in which the "
    "gaze is not counted. If the eyes were looking down then, the range is larger than measured: "
    "hold the phone lower, at chin height, or lift the lids with a finger.",
    "finding.face_partly_lost": "The face was seen for {seen:.0%} of the time: what the eyes did "
    "in the rest is not in the range. Keep the whole face in the picture.",
    "finding.blinks_cut": "{cut} of the {blinks} blinks begin or end where the face or frames are "
    "missing: one blink may have been counted as several, and others missed. Do not rely on the "
    "count and the rate. Keep the whole face in the picture.",
    "finding.other_face": "Another, smaller face is in the picture; the largest was analysed.",
    "finding.step_raised": "The recording is too long for every frame: at times only 1 frame in "
    "{largest_step} was analysed instead of 1 in {step}, and short blinks may have been missed. "
    "Record a shorter video, or at 1280x720 and 30 frames a second.",
    "finding.video_cut_off": "The file could not be read beyond {read_s:.0f} s: it is cut off or "
    "damaged there. Copy the video from the phone again.",
    "finding.several_videos": "The file holds {videos} videos, and only one of them was analysed. "
    "Check that it is the right one.",
    "finding.slow_motion_suspected": "The lids close more slowly than any person's: this may be "
    "slow motion, and all times and rates are then wrong. Send the original recording, at normal "
    "speed.",
    "finding.out_of_time": "Time ran out: only the first {analysed_s:.0f} s were analysed. Record "
    "a shorter video, or at 1280x720.",
    "finding.max_frames_reached": "Only the first {frames} frames were analysed. Raise max_frames "
    "or the step to cover the whole recording.",
    "finding.video_damaged": "{frames} frames are missing or damaged: the result covers the rest. "
    "Copy the video from the phone again.",
    "finding.timestamps_repaired": "Some of the video's timestamps were wrong and mended.",
    "finding.timestamps_unusable": "The video's timestamps are unusable: all times come from its "
    "frame rate.",
    "finding.borderline": "Its 95 % interval, {low:.3f} to {high:.3f}, holds the limit {limit:g}: "
    "the recording cannot tell on which side it is. Record again, looking up and down several "
    "times.",
    "finding.task_unknown": "The range is small, but nobody said whether the person was asked to "
    "look up and down. If the person was asked to look up and down, this supports a suspicion: run "
    "again with --task up_down.",
    "finding.task_unknown.between": "The range is not surely large enough to count against a "
    "suspicion, and nobody said whether the person was asked to look up and down. If so, run again "
    "with --task up_down.",
    "finding.times_unknown": "The range is small, but nobody said at which times the extended task "
    "asked for what: without them, a good range can be missed. Run again with the task's protocol "
    "(--protocol FILE).",
    "finding.times_unknown.between": "The range is not surely large enough to count against a "
    "suspicion, and nobody said at which times the extended task asked for what. Run again with "
    "the task's protocol (--protocol FILE).",
    "finding.task_assumed": "Nobody said what the person was asked to do: that it was to look up "
    "and down as far as possible is assumed.",
    "finding.range_is_lower_bound": "The lids hid the eyes while they looked down: the range is "
    "{range:.3f} or larger, which supports nothing. Hold the phone lower, at chin height, and "
    "record again.",
    "finding.down_not_apart": "Up and down cannot be told apart, because the eyes were not seen "
    "looking straight ahead first: a good range up may hide a lost range down. Begin the recording "
    "with a look at the camera, or name it in the protocol (fixate).",
    "finding.up_limited": "The eyes went up by only {range:.3f} (below {limit:g}). Upward gaze "
    "also falls with age, so the answer does not rest on it.",
    "finding.head_unsteady": "The head turned or nodded by up to {spread_deg:.0f} degrees from its "
    "usual direction (95 % of the time). Keep the head still and move only the eyes.",
    "finding.gaze_partly_used": "The gaze counts for {used_s:.1f} of {seen_s:.1f} s only: in the "
    "rest the eyes were closed, the head was out of place, or the face was not seen.",
    # The answer, in a sentence and as a heading.
    "because.suspected.vertical_peak_to_peak": "The eyes' vertical range, {value:.3f} of the eye's "
    "width (95 % interval {low:.3f} to {high:.3f}), is below {limit:g}: this supports a suspicion "
    "of PSP.",
    "because.suspected.down_range": "The eyes' range down, {value:.3f} of the eye's width (95 % "
    "interval {low:.3f} to {high:.3f}), is below {limit:g}: this supports a suspicion of PSP.",
    "because.asked": "The person was asked to look up and down as far as possible.",
    "because.assumed": "It does so only if the person was asked to look up and down as far as "
    "possible, which is assumed.",
    "because.borderline.vertical_peak_to_peak": "The eyes' vertical range, {value:.3f} of the "
    "eye's width, is too close to {limit:g} to support a suspicion of PSP or to count against it.",
    "because.borderline.down_range": "The eyes' range down, {value:.3f} of the eye's width, is too "
    "close to {limit:g} to support a suspicion of PSP or to count against it.",
    "because.not_suspected.vertical_peak_to_peak": "The eyes' vertical range, {value:.3f} of the "
    "eye's width (95 % interval {low:.3f} to {high:.3f}), is not below {limit:g}.",
    "because.not_suspected.down_range": "The eyes' range down, {value:.3f} of the eye's width "
    "(95 % interval {low:.3f} to {high:.3f}), is not below {limit:g}.",
    "because.not_assessable": "Not assessable.",
    "verdict.suspected": "Supports a suspicion of PSP",
    "verdict.borderline": "Borderline: neither supports nor counts against a suspicion of PSP",
    "verdict.not_suspected": "Does not support a suspicion of PSP",
    "verdict.not_assessable": "Not assessable",
    "value.not_measurable": "not measurable",
    # Every page.
    "page.skip": "Skip to the content",
    "page.note": "Research use, not a diagnosis.",
    "page.no_script": "The graphics need JavaScript, which is switched off here.",
    "page.seconds": "{number} s",
    # The report.
    "report.title": "Eye movement report",
    "report.subtitle": "Screening for progressive supranuclear palsy (PSP). Ranges are in eye "
    "widths (from canthus to canthus); left and right are the person's own.",
    "report.head.participant": "Participant",
    "report.head.visit": "Visit",
    "report.head.recorded": "Recorded",
    "report.head.analyzed": "Analysed",
    "report.head.length": "Length",
    "report.head.version": "Version",
    "report.not_given": "not given",
    "report.unknown": "unknown",
    "report.by_file": "{moment}, as the file says",
    "report.print": "Print",
    "report.print.sheet": "Print one page",
    "report.print.all": "Print with all details",
    "report.further": "Also found:",
    "report.findings": "All findings",
    "report.for_patient": "Told to the patient:",
    "report.range": "How far the eyes moved up and down",
    "report.down": "How far the eyes moved down",
    "report.rate": "Blink rate",
    "report.rest": "Blink rate at rest",
    "report.range_unit": "eye widths, 95th minus 5th percentile",
    "report.down_unit": "eye widths below straight ahead, 95th percentile",
    "report.per_minute": "blinks a minute",
    "report.interval": "95 % interval {low} to {high}",
    "report.interval_short": "{low} to {high}",
    "report.threshold": "threshold {threshold:g}",
    "report.below": "suspicion",
    "report.above": "none",
    "report.range_alt": "Vertical range {value:.3f} eye widths, 95 % interval {low:.3f} to "
    "{high:.3f}; the threshold is {threshold:g}.",
    "report.down_alt": "Range down {value:.3f} eye widths, 95 % interval {low:.3f} to {high:.3f}; "
    "the threshold is {threshold:g}.",
    "report.whole_range": "Up and down together: {value:.3f} eye widths. The answer rests on the "
    "range down, so that a good range up cannot hide a lost range down.",
    "report.range_deg": "An estimate in degrees: the eyes turned by between {low:.0f}° and "
    "{high:.0f}°.",
    "report.rate_alt": "{value:.1f} blinks a minute, 95 % interval {low:.1f} to {high:.1f}, on a "
    "scale with the published means at rest of PSP ({psp:g}), Parkinson's disease ({pd:g}) and "
    "healthy people ({healthy:g}).",
    "report.rate_count": "{count} in {seconds:.1f} s with the face in view",
    "report.rate_source": "Published means at rest: PSP {psp:g}, Parkinson's disease {pd:g} "
    "(Golbe et al., Movement Disorders 4, 1989, 297-302); healthy {healthy:g}, and 4.5 reading, 26 "
    "talking (Bentivoglio et al., Movement Disorders 12, 1997, 1028-1034). Looking up and down on "
    "request is none of these.",
    "report.not_measured": "not measured",
    "report.quality": "How far this can be trusted",
    "report.no_result": "Measured, but not to be relied on.",
    "report.caution": "To keep in mind:",
    "report.status.good": "good",
    "report.status.caution": "limited",
    "report.status.bad": "not good enough",
    "report.status.unknown": "not judged",
    "report.indicator.face": "Face in view",
    "report.indicator.face.value": "{share:.0%} of the time, {seconds:.1f} s (at least "
    "{least:.0%}, {least_s:.0f} s)",
    "report.indicator.rate": "Frame rate",
    "report.indicator.rate.value": "{rate:.1f} a second (at least {least:.0f}), longest gap "
    "{gap:.2f} s",
    "report.indicator.eye_size": "Size of the eyes",
    "report.indicator.eye_size.value": "{width:.1f} pixels wide (at least {least:.0f})",
    "report.indicator.head": "Head still and straight",
    "report.indicator.head.value": "turned {yaw:.0f}° (at most {most_yaw:.0f}°), camera angle "
    "{pitch:+.0f}° (at most ±{most_pitch:.0f}°), within ±{spread:.0f}° of that for 95 % of the "
    "time (±{most_spread:.0f}° is still)",
    "report.indicator.light": "Light",
    "report.indicator.light.value": "eyes {ratio:.0f} times above the noise (at least "
    "{least:.0f}), {clipped:.0%} plain black or white (at most {most:.0%})",
    "report.indicator.sharpness": "Sharpness",
    "report.indicator.sharpness.value": "{sharpness:.2f} (at least {least:g})",
    "report.indicator.compression": "Compression",
    "report.indicator.compression.value": "{bits:.0f} bits a frame for an eye (at least "
    "{least:.0f})",
    "report.indicator.people": "One person",
    "report.indicator.people.value": "next largest face {share:.0%} of this one (below {most:.0%})",
    "report.indicator.lids": "Eyes open",
    "report.indicator.lids.value": "gaze seen for {seconds:.1f} of {seen:.1f} s",
    "report.indicator.task": "Gaze",
    "report.indicator.task.value": "eyes differ by {disagreement:.3f} (more than {most:g} can "
    "stand against an answer)",
    "report.indicator.following": "Landmarks follow the irises",
    "report.indicator.following.value": "range {shown:.3f}, in the pictures {moved:.2f} (if "
    "they move, at least {least:.0%} of it)",
    "report.indicator.video": "Video complete",
    "report.indicator.video.value": "{frames} frames analysed, {decoded} decoded, {failed} damaged",
    "report.contents": "Contents",
    "report.traces": "Traces",
    "report.traces_use": "Drag across the traces to zoom, double-click to zoom out, or use the "
    "buttons. All traces share one time axis.",
    "report.traces_alt": "Traces over time of eye opening, vertical and horizontal gaze, face in "
    "view and head pose. The same values are in the table of frames (CSV).",
    "report.do.all": "Whole recording",
    "report.do.in": "Zoom in",
    "report.do.out": "Zoom out",
    "report.do.earlier": "Earlier",
    "report.do.later": "Later",
    "report.do.previous": "Previous event",
    "report.do.next": "Next event",
    "report.legend.left": "left eye",
    "report.legend.right": "right eye",
    "report.legend.limit": "closes below",
    "report.legend.counted": "gaze that counts",
    "report.legend.uncounted": "not counted",
    "report.legend.yaw": "turn (yaw)",
    "report.legend.pitch": "nod (pitch)",
    "report.legend.roll": "tilt (roll)",
    "report.legend.blink": "blink",
    "report.legend.prolonged_closure": "prolonged closure",
    "report.legend.flutter": "lid flutter",
    "report.legend.wink": "wink",
    "report.legend.unseen": "no face",
    "report.legend.excluded": "marked as not usable",
    "report.ear": "Eye opening (EAR)",
    "report.vertical_axis": "Vertical gaze (eye widths; up is -)",
    "report.horizontal_axis": "Horizontal gaze (left is +)",
    "report.coverage_axis": "Face in view",
    "report.coverage": "face in view",
    "report.pose_axis": "Head pose (degrees)",
    "report.time_axis": "time (s)",
    "report.offset_axis": "eye widths (+ is down)",
    "report.primary": "straight ahead",
    "report.p5": "P5 (up)",
    "report.p95": "P95 (down)",
    "report.count": "count",
    "report.seconds": "seconds",
    "report.at_least": "at least {value}",
    "report.yes": "yes",
    "report.no": "no",
    "report.events": "Blinks and closures",
    "report.event_counts": "Blinks: {blinks}, of them incomplete: {incomplete}. Prolonged "
    "closures: {prolonged}. Winks: {winks}. Flutters of the lids: {flutters}.",
    "report.event_use": "Lids that are closed for more than {longest:g} s, by at least half "
    "of the time between two frames, make a prolonged closure. The duration also holds the time in "
    "which the lids move. Choose a row to see its traces and its pictures.",
    "report.no_events": "No blink, prolonged closure, flutter or wink was found.",
    "report.event.number": "No.",
    "report.event.kind": "Kind",
    "report.event.onset": "Onset (s)",
    "report.event.duration": "Duration (s)",
    "report.event.closed": "Closed for (s)",
    "report.event.amplitude": "Closed by",
    "report.event.left_right": "Left / right",
    "report.event.frames": "Frames",
    "report.event.note": "Note",
    "report.event_name": "{kind} {number}, {onset:.2f} to {offset:.2f} s",
    "report.kind.blink": "Blink",
    "report.kind.prolonged_closure": "Prolonged closure",
    "report.kind.flutter": "Lid flutter",
    "report.kind.wink_left": "Wink of the left eye",
    "report.kind.wink_right": "Wink of the right eye",
    "report.onset_unseen": "beginning not seen",
    "report.offset_unseen": "end not seen",
    "report.complete": "complete",
    "report.incomplete": "incomplete",
    "report.pictures": "Eyes in each event",
    "report.pictures_use": "The person's right eye is on the left, as in the video. Each picture "
    "is turned and scaled to the corners of its eye.",
    "report.pictures_need_video": "The pictures of the eyes need the video, which this report was "
    "made without: analyse the video again to have them.",
    "report.pictures_left_out": "The pictures of the last {count} events are left out to keep the "
    "page small.",
    "report.frames_left_out": "{count} further pictures of these events are left out to keep the "
    "page small, or could not be taken.",
    "report.no_picture": "No picture: the eyes were not in view.",
    "report.picture_alt": "The eyes at {time:.3f} s: {what}",
    "report.frame": "frame {frame}",
    "report.role.onset": "onset",
    "report.role.closing": "closing",
    "report.role.peak": "peak",
    "report.role.opening": "opening",
    "report.role.offset": "offset",
    "report.extremes": "Eyes at the ends of the range",
    "report.extremes_use": "The range is taken between these two offsets. The pictures are of the "
    "frames that come closest to them, with each frame's own offset (eye widths, down is +).",
    "report.end.up": "Up: 5th percentile",
    "report.end.up.short": "up",
    "report.end.ahead": "Straight ahead: primary position",
    "report.end.ahead.short": "ahead",
    "report.end.down": "Down: 95th percentile",
    "report.end.down.short": "down",
    "report.phases": "What the person was asked to do",
    "report.no_protocol.up_down": "The person was asked to look up and down as far as possible; no "
    "protocol says when.",
    "report.no_protocol.extended": "The person was asked to do the extended task; no protocol says "
    "when what was asked.",
    "report.no_protocol.assumed": "Nobody said what the person was asked to do: that it was to "
    "look up and down as far as possible is assumed.",
    "report.no_protocol.unknown": "Nobody said what the person was asked to do.",
    "report.phase.phase": "Asked for",
    "report.phase.time": "Time",
    "report.phase.gaze_time": "Gaze seen",
    "report.phase.reached": "Reached (eye widths)",
    "report.phase.held": "Held (eye widths)",
    "report.phase.held_offset": "Held offset (eye widths)",
    "report.phase.latency": "Latency",
    "report.saccades": "Steps of the gaze, one by one",
    "report.saccades_use": "Mean of both eyes; the 95 % interval is in brackets. The table of "
    "saccades also lists each eye. A step with a note does not count in the typical values above. "
    "10-90 % is the time from 10 to 90 % of the way. Peak velocities read too small; their "
    "brackets bound the true one.",
    "report.saccade.number": "No.",
    "report.saccade.time": "Time (s)",
    "report.saccade.phase": "Asked for",
    "report.saccade.direction": "Direction",
    "report.saccade.latency": "Latency (ms)",
    "report.saccade.amplitude": "Size (eye widths)",
    "report.saccade.rise": "10-90 % (ms)",
    "report.saccade.velocity": "Velocity (deg/s, est.)",
    "report.saccade.note": "Note",
    "report.step.not_found": "no step that way stands out of the noise",
    "report.step.hidden": "hidden by a closure, or the face or a frame is missing",
    "report.step.crowded": "too close to another step",
    "report.step.not_single": "not the shape of a single step",
    "report.step.unsteady": "the landmarks overshoot or swing in this recording",
    "report.step.not_followed": "the landmarks hardly follow the eyes up and down",
    "report.step.small": "too small beside the other steps",
    "report.step.oblique": "the eyes move more in the other direction",
    "report.step.enough": "enough steps were measured before it",
    "report.step.no_noise": "the recording does not show its noise",
    "report.phase_name.up": "up",
    "report.phase_name.down": "down",
    "report.phase_name.left": "left",
    "report.phase_name.right": "right",
    "report.phase_name.fixate": "at the camera",
    "report.phase_name.rest": "at rest",
    "report.latency.unseen_before": "gaze not seen before it",
    "report.latency.unmoved": "did not move",
    "report.latency.hidden": "hidden while moving",
    "report.latency.no_direction": "no direction asked for",
    "report.latency.not_followed": "the landmarks hardly follow the eyes",
    "report.movements": "Movements of eyes and lids",
    "report.movements_not_validated": "Not validated on patients.",
    "report.movements_use": "These measures are no part of the answer. A light tells how well "
    "this recording shows a measure, not whether it is normal.",
    "report.movement.good": "measured",
    "report.movement.caution": "limited",
    "report.movement.bad": "not reliable: the recording is not good enough",
    "report.movement.unknown": "not measured",
    "report.movement.all": "the whole recording",
    "report.movement.phases": "From: {phases}.",
    "report.movement.jerks": "Jerks of {visible:.1f} degrees (estimate) or more are nearly all "
    "seen in this recording; some smaller ones count, too, and some of these are noise. "
    "Published means: 33.5 a minute in PSP, 10.3 in Parkinson's disease, 4.3 in healthy people.",
    "report.movement.jerks_not_comparable": "Published rates hold jerks from 0.5 degrees on, so "
    "this one cannot be compared with them.",
    "report.movement.area": "The landmarks' noise is a part of it.",
    "report.movement.velocity": "At {rate:.0f} frames a second. The interval allows for any "
    "exposure time of a frame, but not for how the landmarks follow the lids: on drawn faces they "
    "show 0.5 to 2.1 times the velocity. Compare it between recordings of one person only.",
    "report.movement.rest": "Published means at rest: PSP {psp:g}, Parkinson's disease {pd:g}, "
    "healthy {healthy:g}.",
    "report.movement.rest_alt": "{value:.1f} blinks a minute at rest, 95 % interval {low:.1f} to "
    "{high:.1f}, on a scale with the published means of PSP ({psp:g}), Parkinson's disease "
    "({pd:g}) and healthy people ({healthy:g}).",
    "report.movement.mean.psp": "PSP {rate:g}",
    "report.movement.mean.pd": "PD {rate:g}",
    "report.movement.mean.healthy": "healthy {rate:g}",
    "report.movement.told_apart.0": "{seconds:.0f} s are too short to tell any two of these means "
    "apart.",
    "report.movement.told_apart.1": "{seconds:.0f} s are enough to tell PSP from healthy people, "
    "and too short to tell Parkinson's disease from either.",
    "report.movement.told_apart.2": "{seconds:.0f} s are enough to tell PSP from both others, and "
    "too short to tell Parkinson's disease from healthy people.",
    "report.movement.told_apart.3": "{seconds:.0f} s are enough to tell these means apart.",
    "report.missing.reason": "not measured: {reason}",
    "report.group.fixation": "Fixation (not validated on patients)",
    "report.group.lids": "Lid movements (not validated on patients)",
    "report.distributions": "Distributions",
    "report.plot.vertical": "Vertical gaze offset",
    "report.plot.duration": "Duration of blinks",
    "report.plot.interval": "Time from one blink to the next",
    "report.numbers": "All numbers",
    "report.numbers_open": "Every number of the summary",
    "report.group.gaze": "Gaze",
    "report.group.saccades": "Saccades",
    "report.group.blinks": "Blinks",
    "report.group.quality": "Quality",
    "report.provenance": "Recording, parameters, version",
    "report.source": "File",
    "report.sha256": "SHA-256 of the video",
    "report.no_sha256": "not computed",
    "report.version": "Version of parkinson-eye-tracking",
    "report.sources": "Definitions and sources",
    "report.limits": "Limits",
    # Why a number of the report is missing.
    "report.missing.no_face": "not measured: no face was seen",
    "report.missing.one_frame": "not measured: fewer than two frames",
    "report.missing.rate_time": "not measured: the face was seen for less than {least:g} s",
    "report.missing.no_blink": "none: no blink was found",
    "report.missing.one_blink": "none: fewer than two blinks were found",
    "report.missing.no_whole_blink": "not measured: no blink was seen from beginning to end",
    "report.missing.cut_interval": "not measured: the face was lost between the blinks",
    "report.missing.no_gaze": "not measured: no frame shows open eyes with the head in place",
    "report.missing.no_primary": "not measured: the eyes were not seen looking straight ahead for "
    "{least:g} s where the primary position is taken",
    "report.missing.not_ahead": "not measured: the eyes looked straight ahead for less than "
    "{least:g} s",
    "report.missing.not_aside": "not measured: the eyes did not move sideways beyond the noise",
    "report.missing.no_direction": "no direction asked for",
    "report.missing.saccade_frame_rate": "not measured: at least {least:.0f} frames a second are "
    "needed",
    "report.missing.saccade_no_gaze": "not measured: no frame shows open eyes with the head in "
    "place",
    "report.missing.saccade_no_steps": "none: no step of the gaze stands out of the noise",
    "report.missing.saccade_too_few_steps": "not measured: too few steps of the gaze",
    "report.missing.saccade_hidden": "not measured: blinks, lids or a lost face hide too many "
    "steps of the gaze",
    "report.missing.saccade_crowded": "not measured: too many steps of the gaze follow one "
    "another too soon",
    "report.missing.saccade_not_single": "not measured: too many steps of the gaze do not have "
    "the shape of a single one",
    "report.missing.saccade_unsteady": "not measured: the landmarks overshoot or swing after steps "
    "of the gaze",
    "report.missing.saccade_not_followed": "not measured: in the pictures the irises move up and "
    "down much further than their landmarks, as behind thick rims of spectacles",
    "report.missing.saccade_imprecise": "not measured: its interval would be too wide to say "
    "anything",
    "report.missing.saccade_no_protocol": "not measured: no protocol says when the person was "
    "asked to look there",
    "report.missing.vague_angle": "not shown: its bounds are further apart than its own size",
    "report.missing.not_declared": "not known: the video does not say",
    "report.missing.too_little": "not measured: too little was seen",
    # How the report's numbers are defined, by whom, and their limits.
    "report.definition.ear.term": "Eye opening, EAR",
    "report.definition.ear": "Eye aspect ratio (|p2-p6| + |p3-p5|) / (2 |p1-p4|) of six lid points "
    "in pixels; 0 is shut. T. Soukupová, J. Čech, Real-Time Eye Blink Detection using Facial "
    "Landmarks, CVWW 2016.",
    "report.definition.gaze.term": "Gaze offset",
    "report.definition.gaze": "The middle of the iris minus the middle between the eye's corners, "
    "along and across the line between them, over their distance (an eye width); the mean of both "
    "eyes. Down and the person's left are positive. The vertical one is corrected for how the face "
    "happens to be framed.",
    "report.definition.range.term": "Vertical range",
    "report.definition.range": "95th minus 5th percentile of the vertical offset over the frames "
    "that show a face with the head in place, outside of closures and winks by 0.1 s or more and, "
    "with a protocol, within its phases up and down.",
    "report.definition.interval.term": "95 % intervals",
    "report.definition.interval": "Of the range: block bootstrap (H. R. Künsch, The Annals of "
    "Statistics 17, 1989), widened for few and correlated blocks, for few looks up and down, by "
    "what is not known of how far the landmarks follow the gaze, and downwards by the noise. Of "
    "the rate: exact for Poisson counts (F. Garwood, Biometrika 28, 1936).",
    "report.definition.degrees.term": "Degrees",
    "report.definition.degrees": "From an iris 11.7 mm wide and an eye that turns about a point 10 "
    "mm behind it: an estimate. The landmarks follow vertical gaze only in part; the bounds allow "
    "for 0.41 of it to all of it.",
    "report.definition.blink.term": "Blinks and closures",
    "report.definition.blink": "The lids of both eyes fall fast from the open level around that "
    "moment and come back. The dip goes below half of the way to {threshold:g} scaled to the "
    "person ({share:.0%} of the open eye) and is at least eight times as deep as the open lids "
    "vary. Closed for over 0.5 s, it is a prolonged closure and no blink; four dips or more in "
    "quick succession are a flutter; one eye held shut for 0.3 s or longer is a wink. Lids that go "
    "down with the gaze and stay are no closure. A face that is lost ends an event.",
    "report.definition.rate.term": "Blink rate",
    "report.definition.rate": "Blinks over the time in which the face was in view.",
    "report.definition.pose.term": "Head pose",
    "report.definition.pose": "Turn and nod of the mean face, fitted rigidly (D. F. DeMenthon, L. "
    "S. Davis, Model-Based Object Pose in 25 Lines of Code, IJCV 15, 1995). Frames turned by over "
    "{yaw:g}°, or nodding by over 10° from the median, do not count for the gaze.",
    "report.definition.picture.term": "Noise of the picture",
    "report.definition.picture": "J. Immerkær, Fast Noise Variance Estimation, Computer Vision and "
    "Image Understanding 64, 1996.",
    "report.definition.saccade.term": "Saccades",
    "report.definition.saccade": "From {least:g} frames a second on, a step of known shape is "
    "fitted to each quick move of the gaze, with the exposure of a frame and the recording's own "
    "noise. The values are typical ones of {steps} saccades or more (of each direction: 3). The "
    "10-90 % time does not depend on how far the landmarks follow the eyes; amplitudes and "
    "velocities do, and read too small. Not validated on patients; no part of the answer.",
    "report.definition.assessment.term": "Assessment",
    "report.definition.assessment": "Supports a suspicion where the person was asked to look up "
    "and down, the whole 95 % interval of the vertical range is below {threshold:g}, and nothing "
    "stands against an answer; counts against it where the whole interval is not below; else it is "
    "borderline. Where a protocol says when to look down, the range down and half of that limit "
    "take its place. What was not seen can only enlarge the range: below the limit with too much "
    "unseen, it is not assessable.",
    "report.limit.task": "Someone who was not asked to look up and down, or did not, reads like a "
    "palsy.",
    "report.limit.degrees": "The landmarks follow vertical gaze only in part: ranges compare with "
    "each other and with the threshold; degrees are too small.",
    "report.limit.blink_end": "Blinks last from when the lids begin to move until they rest. "
    "People who annotate see them end at the same time, but begin 0.05 s later.",
    "report.limit.lids": "In extreme down-gaze the lids may hide the iris. Those frames are left "
    "out of the gaze; they are no closure.",
    "report.limit.spectacles": "Behind thick rims of spectacles the range reads too small, and the "
    "range down is not known within 10 %. Most recordings that could read like a palsy for it are "
    "found and not assessable, not all: take them off.",
    "report.limit.mirror": "Mirrored videos swap left and right.",
    "report.limit.not_validated": "None of the thresholds has been validated on patients.",
    # Corrections in the report.
    "report.corrections": "Corrections",
    "report.head.corrected": "Corrected by a person",
    "report.head.corrected_by": "{by}, {day} (UTC), corrections: {count}",
    "report.correct.mark": "Corrected by a person: {by}, {at} UTC. Corrections: {count}. Blinks "
    "before: {before}, now: {after}. All numbers on this page are of the corrected events.",
    "report.correct.mark_why": "Reason: {why}",
    "report.correct.mark_link": "What was corrected",
    "report.correct.kept": "All events were looked at and kept as they were detected.",
    "report.correct.before": "Detected",
    "report.correct.after": "Corrected",
    "report.correct.what": "Correction",
    "report.correct.added": "added",
    "report.correct.removed": "removed",
    "report.correct.changed": "changed",
    "report.correct.unseen": "Not counted: no face is seen there.",
    "report.correct.unusable": "not usable",
    "report.correct.primary": "straight ahead",
    "report.correct.event": "{kind}, {start} to {end} s",
    "report.correct.between": "{start} to {end} s",
    "report.correct.open": "Correct the events",
    "report.correct.use": "Is an event missing or wrong, or a part of the recording not usable? "
    "Click an event to choose it, drag it or its ends, or drag over an empty place to choose a "
    "stretch. Then use the buttons. The numbers on this page stay as they are until the saved "
    "corrections are used (see below).",
    "report.correct.removed_means": "Remove an event only if the eyes were open. If they cannot "
    "be seen, mark the stretch as not usable: it then counts like time without a face.",
    "report.correct.keys": "Keys: left and right move the cursor by a frame (with Shift they "
    "choose a stretch, with Alt they move the chosen event), N and P choose the next and the "
    "previous event, A adds, Delete removes, S splits, M merges, U marks as not usable, G marks "
    "straight ahead, + and - zoom, Ctrl+Z undoes, Ctrl+Y redoes.",
    "report.correct.timeline": "Opening of both eyes over time, with the events, to be corrected",
    "report.correct.do.add": "Add a blink",
    "report.correct.do.remove": "Remove",
    "report.correct.do.split": "Split",
    "report.correct.do.merge": "Merge with the next",
    "report.correct.do.unusable": "Not usable",
    "report.correct.do.primary": "Eyes straight ahead",
    "report.correct.do.undo": "Undo",
    "report.correct.do.redo": "Redo",
    "report.correct.do.previous": "Previous event",
    "report.correct.do.next": "Next event",
    "report.correct.do.in": "Zoom in",
    "report.correct.do.out": "Zoom out",
    "report.correct.do.earlier": "Earlier",
    "report.correct.do.later": "Later",
    "report.correct.start": "From (s)",
    "report.correct.end": "To (s)",
    "report.correct.kind": "Kind",
    "report.correct.list": "Your corrections",
    "report.correct.no_changes": "None yet.",
    "report.correct.by": "Your initials",
    "report.correct.why": "Reason (optional)",
    "report.correct.save": "Save corrections",
    "report.correct.afterwards": "The file that this saves belongs beside the track of the "
    "recording. This command makes all numbers and the report anew with it:",
    "report.correct.lane.said": "corrected",
    "report.correct.lane.detected": "detected",
    "report.correct.done": "{what}: {start} to {end} s.",
    "report.correct.undone": "Undone.",
    "report.correct.redone": "Done again.",
    "report.correct.saved": "Saved as {file}.",
    "report.correct.unsaved": "Not saved yet.",
    "report.correct.stretch_first": "First choose a stretch: drag over the trace, or hold Shift "
    "and press the left or right key.",
    "report.correct.choose_first": "First choose an event.",
    "report.correct.no_room": "There is an event already.",
    "report.correct.no_next": "There is no later event to merge with.",
    "report.correct.too_short": "Too short: it must be a frame or more.",
    "report.correct.too_short_primary": "Too short: 0.3 s or more are needed.",
    "report.correct.no_initials": "Give your initials: letters first, up to 20 characters.",
    # What the command line prints of a recording.
    "terminal.because": "  because     {reason}",
    "terminal.vertical": "  vertical    {value} eye widths peak to peak{interval}, "
    "threshold {limit}",
    "terminal.down": "  down        {value} eye widths{interval}, limit {limit}",
    "terminal.corrected": "  corrected   {count} corrections by {by}; {blinks} blinks before",
    "terminal.blinks": "  blinks      {count}, {rate} a minute{interval}; "
    "prolonged closures {prolonged}",
    "terminal.recording": "  recording   face seen for {seen:.1f} of {seconds:.1f} s, {frames} "
    "frames analysed of {fps} a second",
    "terminal.caution": "  caution     {caution}",
    "terminal.written": "  written     {files}",
    "terminal.interval": " (95 % interval {low}-{high})",
    # The page of a cohort.
    "cohort.corrected": "corrected by {by}",
    "cohort.corrected_count": "Corrections: {count}. Blinks before: {before}, now: {after}.",
    "cohort.title": "Cohort report",
    "cohort.recordings": "{count} recordings, threshold of the vertical range {threshold:g} eye "
    "widths",
    "cohort.recordings_alone": "{count} recordings",
    "cohort.show": "Show in the table",
    "cohort.all": "All",
    "cohort.status.suspected": "Suspected",
    "cohort.status.borderline": "Borderline",
    "cohort.status.not_suspected": "Not suspected",
    "cohort.status.not_assessable": "Not assessable",
    "cohort.status.failed": "Failed",
    "cohort.explain.suspected": "range surely below its limit",
    "cohort.explain.borderline": "too close to the limit to tell",
    "cohort.explain.not_suspected": "range surely not below it",
    "cohort.explain.not_assessable": "measured, not to be relied on",
    "cohort.explain.failed": "no result",
    "cohort.shown": "{shown} of {count} recordings shown",
    "cohort.failures": "Failed",
    "cohort.failures_use": "Once the cause is mended, run the same command again: only these are "
    "analysed.",
    "cohort.column.file": "Recording",
    "cohort.column.status": "Assessment",
    "cohort.column.reasons": "Reasons, cautions",
    "cohort.column.vertical": "Vertical range (eye widths)",
    "cohort.column.blinks": "Blinks a minute",
    "cohort.column.prolonged": "Prolonged closures",
    "cohort.column.seen": "Face seen (s)",
    "cohort.column.eye": "Eye (pixels wide)",
    "cohort.column.outlier": "Outlier",
    "cohort.column.participant": "Participant",
    "cohort.column.group": "Group",
    "cohort.column.visit": "Visit",
    "cohort.groups": "Groups",
    "cohort.groups_use": "Median and quartiles over the people whose recordings are assessable. A "
    "person with several recordings counts once, with their mean. Nothing here tests whether the "
    "groups differ.",
    "cohort.group.none": "without a group",
    "cohort.group.people": "People",
    "cohort.group.recordings": "Recordings",
    "cohort.group.of_people": "{count} people",
    "cohort.visits": "Visits",
    "cohort.visits_use": "What changed in each person since the first visit with a result, judged "
    "as by “eye-tracker compare”. Of the judged changes, about 1 in 20 is found by chance.",
    "cohort.visits_by_name": "Ordered by name: a visit has no date, or two have the same one. "
    "Check that the first row is the earliest visit.",
    "cohort.search": "Found while searching",
    "cohort.same_content": "The same video under several names, counted as often: {names}.",
    "cohort.table": "Recordings",
    "cohort.table_use": "A head sorts by its column. Under a value stands its 95 % interval, under "
    "reasons stand cautions. Values in italics are not to be relied on. A recording's name opens "
    "its report.",
    "cohort.distributions": "Distributions",
    "cohort.distributions_use": "Each mark is a recording; choose one to find it in the table, "
    "where the same numbers are. Failed recordings have none.",
    "cohort.plot.vertical": "Vertical range (eye widths)",
    "cohort.plot.blinks": "Blinks a minute",
    "cohort.plot.quality": "Quality",
    "cohort.plot.threshold": "threshold",
    "cohort.plot.needed": "needed",
    "cohort.plot_alt": "{name}: median {median}, from {low} to {high}, of {count} recordings.",
    "cohort.quality.face_coverage": "Face seen (share)",
    "cohort.quality.canthal_distance_px": "Eye (pixels wide)",
    "cohort.quality.sharpness": "Sharpness",
    "cohort.quality.contrast_over_noise": "Contrast over noise",
    "cohort.outliers": "Outliers",
    "cohort.outlier_rule": "A value is called an outlier where it differs from the cohort's median "
    "by more than {limit:g} scaled median absolute deviations (MAD / 0.6745; B. Iglewicz, D. C. "
    "Hoaglin, How to Detect and Handle Outliers, 1993), of at least {least} recordings that have "
    "it; the vertical range of assessable recordings only. It is unlike the others, which makes it "
    "neither wrong nor ill.",
    "cohort.outlier.none": "There is none.",
    "cohort.outlier.too_few": "Not judged, for fewer than {least} recordings have it: {names}.",
    "cohort.outlier.alike": "Not judged, for most recordings have the same value: {names}.",
    "cohort.outlier.value": "{name} {value}: expected from {low} to {high}",
    "cohort.measure.vertical_peak_to_peak": "vertical range",
    "cohort.measure.blink_rate_per_min": "blinks a minute",
    "cohort.measure.blink_duration_median_s": "blink duration (s)",
    "cohort.measure.perclos": "share of time shut (PERCLOS)",
    "cohort.measure.quality_canthal_distance_px": "eye width (pixels)",
    "cohort.measure.quality_sharpness": "sharpness",
    "cohort.measure.quality_contrast_over_noise": "contrast over noise",
    "cohort.files": "All numbers of all recordings: {files}.",
    "cohort.failure.not_found": "There is no such file, or it cannot be read.",
    "cohort.failure.not_found.remedy": "Check where it is and who may read it.",
    "cohort.failure.undecodable": "It is no video, or no video can be decoded of it.",
    "cohort.failure.undecodable.remedy": "Copy it from the phone again, or export it as MP4 "
    "(H.264).",
    "cohort.failure.changed": "It was written to while it was analysed.",
    "cohort.failure.changed.remedy": "Wait until it is copied.",
    "cohort.failure.process_died": "The process that analysed it ended.",
    "cohort.failure.process_died.remedy": "Memory may have run out: use fewer --workers. Otherwise "
    "export the video as MP4 (H.264).",
    "cohort.failure.system_error": "A file could not be read or written.",
    "cohort.failure.system_error.remedy": "Look whether the disk is full, and who may write there.",
    "cohort.failure.installation_damaged": "A file of this program is missing or damaged.",
    "cohort.failure.installation_damaged.remedy": "Install the program again.",
    "cohort.failure.internal_error": "A defect of this program.",
    "cohort.failure.internal_error.remedy": "Please report the words beside it.",
    "cohort.failure.unusable": "It cannot be used.",
    "cohort.failure.unusable.remedy": "See the words beside it.",
    "cohort.code.baseline_fixed": "fixed blink threshold",
    "cohort.code.blinks_cut": "blinks cut off",
    "cohort.code.blurred": "blurred",
    "cohort.code.borderline": "borderline",
    "cohort.code.camera_angle": "camera too high or low",
    "cohort.code.down_not_apart": "up and down not told apart",
    "cohort.code.eyes_closed": "eyes closed",
    "cohort.code.gaze_not_followed": "gaze not followed",
    "cohort.code.eyes_disagree": "eyes disagree",
    "cohort.code.eyes_too_small": "eyes too small",
    "cohort.code.eyes_held_shut": "eyes held shut",
    "cohort.code.face_lost": "face lost",
    "cohort.code.face_partly_lost": "face lost in part",
    "cohort.code.gaze_partly_used": "gaze counts in part",
    "cohort.code.gaze_not_measured": "gaze not measured",
    "cohort.code.head_moved": "head moved",
    "cohort.code.head_not_measured": "head not measured",
    "cohort.code.head_unsteady": "head unsteady",
    "cohort.code.head_turned": "head turned",
    "cohort.code.lids_lowered": "lids lowered",
    "cohort.code.looked_aside": "looked aside",
    "cohort.code.low_rate": "too few frames a second",
    "cohort.code.max_frames_reached": "only the beginning analysed",
    "cohort.code.no_face": "no face",
    "cohort.code.other_face": "another face",
    "cohort.code.out_of_time": "out of time",
    "cohort.code.overexposed": "overexposed",
    "cohort.code.phase_down_missing": "phase down missing",
    "cohort.code.phase_up_missing": "phase up missing",
    "cohort.code.picture_not_measured": "picture not measured",
    "cohort.code.protocol_mismatch": "not as asked",
    "cohort.code.range_is_lower_bound": "lids hid the range down",
    "cohort.code.sampling_gaps": "gaps between frames",
    "cohort.code.several_faces": "several faces",
    "cohort.code.several_videos": "several videos in the file",
    "cohort.code.slow_motion_suspected": "slow motion suspected",
    "cohort.code.step_raised": "frames left out",
    "cohort.code.strong_compression": "strongly compressed",
    "cohort.code.task_assumed": "task assumed",
    "cohort.code.task_unknown": "task unknown",
    "cohort.code.times_unknown": "times of the task unknown",
    "cohort.code.timestamps_repaired": "timestamps mended",
    "cohort.code.timestamps_unusable": "timestamps unusable",
    "cohort.code.too_dark_or_noisy": "dark or noisy",
    "cohort.code.too_short": "too short",
    "cohort.code.up_limited": "small range up",
    "cohort.code.video_cut_off": "video cut off",
    "cohort.code.video_damaged": "video damaged",
    # The page of a comparison.
    "compare.terminal.caution": "caution: {text}",
    "compare.terminal.note": "note: {text}",
    "compare.terminal.written": "written {text}",
    "compare.title": "Comparison of recordings",
    "compare.measure.vertical_peak_to_peak": "Vertical range",
    "compare.measure.up_range": "Range up",
    "compare.measure.down_range": "Range down",
    "compare.measure.horizontal_peak_to_peak": "Horizontal range",
    "compare.measure.blink_rate_per_min": "Blinks",
    "compare.measure.prolonged_closure_rate_per_min": "Prolonged closures",
    "compare.measure.blink_duration_median_s": "Blink duration (median)",
    "compare.measure.perclos": "Time with the lids shut (PERCLOS)",
    "compare.unit.eye_widths": "eye widths",
    "compare.unit.per_min": "per minute",
    "compare.unit.s": "seconds",
    "compare.unit.share": "share of the time, 0-1",
    "compare.verdict.once": "differs by more than the recordings' own uncertainty",
    "compare.verdict.repeated": "changed by more than repeated recordings differ",
    "compare.verdict.unchanged": "no change shown",
    "compare.verdict.not_judged": "not judged",
    "compare.why.no_interval": "record each condition at least twice",
    "compare.why.not_assessable": "a recording is not assessable",
    "compare.why.same_recording": "the same recording twice",
    "compare.why.other_parameters": "other parameters",
    "compare.why.other_protocol": "another task",
    "compare.why.other_camera_height": "another camera height",
    "compare.concern.not_assessable": "{labels}: a recording is not assessable ({details}). "
    "Nothing that it is part of is judged: record again.",
    "compare.concern.task_unknown": "{labels}: nobody said what the person was asked to do. A "
    "change of the gaze may be one of the task: analyse again with --task, or with a protocol.",
    "compare.concern.earlier_verdict": "{labels}: analysed by an earlier version, which did not "
    "ask what the person had to do, and answered even where the interval holds the limit. Its "
    "assessment says more than is known: analyse the track again, with --task.",
    "compare.concern.partial": "{labels}: the end of a recording was not analysed.",
    "compare.concern.corrected": "{labels}: a person corrected its events, and not those of the "
    "other recordings. A change may be one of the correction: correct all of them, or none.",
    "compare.concern.same_recording": "{labels}: one recording is given twice. The same numbers "
    "are no second measurement.",
    "compare.concern.other_parameters": "{labels}: analysed with other parameters of the blinks "
    "than a recording of {first}. Nothing is judged: analyse all alike, with `eye-tracker "
    "reanalyze`.",
    "compare.concern.other_protocol": "{labels}: another task was asked for than in a "
    "recording of {first}. The gaze is not judged: record the same task.",
    "compare.concern.other_version": "{labels}: analysed by another version of this program than "
    "a recording of {first}. Compare the tracks (STEM.track.npz), which are analysed anew.",
    "compare.concern.other_rate": "{labels}: another rate of analysed frames than in a "
    "recording of {first}; short blinks are missed at lower ones.",
    "compare.concern.other_camera_height": "{labels}: the camera looked from another height than "
    "in a recording of {first}, which by itself changes the ranges. The gaze is not judged: "
    "record at the height of the eyes.",
    "compare.sum.changed": "Different from {first}",
    "compare.sum.unchanged": "No change shown",
    "compare.sum.not_judged": "Not judged",
    "compare.sum.none": "none",
    "compare.note.once": "The intervals cover what varies within each recording. How much a person "
    "differs from one recording to the next, or from day to day, is not known from one recording "
    "of each condition: a change may be that. Record each condition twice or more and give all of "
    "them.",
    "compare.note.repeated": "Where a measure has a smallest detectable change, it comes from what "
    "repeated recordings of one condition differ by ({free} degrees of freedom): on the days on "
    "which they were made.",
    "compare.note.chance": "{judged} changes were judged, each at 5 %: up to {expected:.2f} would "
    "be called changed by chance if nothing had changed.",
    "compare.note.movements": "Not validated on patients: {names}.",
    "compare.note.person": "All recordings have to be of one person; the program does not know.",
    "compare.column.condition": "Condition",
    "compare.column.value": "Value (95 % interval)",
    "compare.column.picture": "Picture",
    "compare.column.change": "Change from {first} (95 % interval)",
    "compare.column.verdict": "Verdict",
    "compare.column.recording": "Recording",
    "compare.column.status": "Assessment",
    "compare.column.seen": "Face seen",
    "compare.heading.measures": "Measures",
    "compare.heading.concerns": "What stands against comparing",
    "compare.heading.recordings": "Recordings",
    "compare.heading.how": "How changes are judged",
    "compare.detectable": "Smallest detectable change between two single recordings: {value}",
    "compare.status.suspected": "suspected",
    "compare.status.borderline": "borderline",
    "compare.status.not_suspected": "not suspected",
    "compare.status.not_assessable": "not assessable",
    "compare.to": "to",
    "compare.ratio": "{value} times",
    "compare.repeats": "; repeats differ by up to {limit}",
    "compare.how": "Changes of the vertical range: the 95 % interval of the difference, from each "
    "recording's own interval (block bootstrap; G. Y. Zou, A. Donner, Statistics in Medicine 27, "
    "2008). Changes of rates: the exact 95 % interval of their ratio (J. Przyborowski, H. "
    "Wilenski, Biometrika 31, 1940), as if blinks came independently of each other: those that "
    "come in bursts vary more. Where a condition was recorded more than once, a change also has to "
    "exceed the smallest detectable one: Student's quantile times the standard deviation within "
    "conditions times the root of 1/n + 1/m recordings (J. M. Bland, D. G. Altman, BMJ 312, 1996; "
    "H. C. W. de Vet et al., Journal of Clinical Epidemiology 59, 2006). Measures without an "
    "interval are judged by that alone. “No change shown” does not mean that nothing changed.",
    # One sentence for the patient, never the verdict: patient.CODE says what to do better.
    "patient.done": "Your recording could be measured, and your doctor will discuss the result "
    "with you.",
    "patient.next": "For the next time:",
    "patient.no_face": "Hold the phone upright in front of you, so that your whole face is in the "
    "picture.",
    "patient.several_faces": "Please record yourself alone, with nobody else in the picture.",
    "patient.low_rate": "Please record a normal video, not a time lapse.",
    "patient.sampling_gaps": "Please close all other apps on the phone while you record.",
    "patient.too_dark_or_noisy": "Please record in more light, facing a window or a lamp.",
    "patient.picture_not_measured": "Please record in good light, with your whole face in the "
    "picture.",
    "patient.overexposed": "Please record out of the sun and away from bright lamps.",
    "patient.strong_compression": "Please send the video as the phone recorded it, not through "
    "a messenger app.",
    "patient.eyes_too_small": "Please move closer to the camera.",
    "patient.blurred": "Please clean the lens and hold the phone still while you record.",
    "patient.head_not_measured": "Please face the camera, with your whole face in the picture.",
    "patient.head_turned": "Please face the camera, and move only your eyes.",
    "patient.camera_angle": "Please hold the phone at the height of your eyes.",
    "patient.head_moved": "Please keep your head still, and move only your eyes.",
    "patient.face_lost": "Please keep your head still and your whole face in the picture.",
    "patient.too_short": "Please record for longer: 10 seconds looking up, then 10 seconds looking "
    "down.",
    "patient.eyes_closed": "Please keep your eyes open between blinks.",
    "patient.phase_up_missing": "Please record all of it, looking up as well.",
    "patient.phase_down_missing": "Please record all of it, looking down as well.",
    "patient.gaze_not_measured": "Please record in more light, looking at the camera first.",
    "patient.eyes_disagree": "Please record again in good light, and keep your head still.",
    "patient.gaze_not_followed": "Please take off your glasses, and record in good light.",
    "patient.protocol_mismatch": "Please look up and down when you are asked to.",
    "patient.looked_aside": "Please record again, looking straight up and then straight down.",
    "patient.range_is_lower_bound": "Please hold the phone lower, at the height of your chin, and "
    "record again.",
    "patient.task_unknown": "Your doctor will tell you what to do next.",
    "patient.times_unknown": "Your doctor will tell you what to do next.",
    "patient.down_not_apart": "Please look at the camera for a moment before you look up and down.",
    "patient.head_unsteady": "Please keep your head still, and move only your eyes.",
    "patient.gaze_partly_used": "Please keep your eyes open between blinks, and your head still.",
    "patient.eyes_held_shut": "Please keep both eyes open while you look up and down.",
    "patient.lids_lowered": "Please hold the phone lower, at chin height, while you look down.",
    "patient.face_partly_lost": "Please keep your head still and your whole face in the picture.",
    "patient.blinks_cut": "Please keep your head still and your whole face in the picture.",
    "patient.video_damaged": "Please send the video unchanged, and wait until it is sent whole.",
    "patient.out_of_time": "Please record a shorter video.",
    "patient.max_frames_reached": "Please record a shorter video.",
    "patient.video_cut_off": "Please wait until all of the video is sent.",
    "patient.several_videos": "Please send a video that your phone's own camera app recorded.",
    "patient.slow_motion_suspected": "Please record at normal speed, not in slow motion.",
    "patient.step_raised": "Please record a shorter video.",
    "patient.borderline": "Please record once more, so that the result becomes more certain.",
    "patient.other_face": "Please record yourself alone, with nobody else in the picture.",
    "patient.baseline_fixed": "Please keep your eyes open between blinks.",
    "patient.timestamps_unusable": "Please record with the phone's own camera app.",
    "patient.timestamps_repaired": "Please record with the phone's own camera app.",
    "app.not_assessable": "There is no answer from this recording.",
    "app.takes_too_long": "The analysis takes longer than this request can wait. Send a shorter "
    "video, or ask POST /uploads where to send it.",
    "app.refused": "This video cannot be analysed.",
    "app.borderline": "The result is too close to the limit for an answer.",
}
