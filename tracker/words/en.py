"""What is said of findings, verdicts and in reports: English here, Korean in `korean`.

Keys and placeholders are the same in both. Imports nothing heavy.
"""

import math
import string
from typing import Any, Literal

from tracker.words.ko import KOREAN

Language = Literal["en", "ko"]
LANGUAGES: tuple[Language, ...] = ("en", "ko")

FINDINGS = {
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
    "{range:.3f} each goes its own way, as lids that flutter, darkness or strong compression make "
    "it look. Record again in good light, the head still.",
    "finding.strong_compression": "The video is strongly compressed ({bits:.0f} bits a frame for "
    "an eye), which blurs and moves the eyes. Send it as the phone stores it, not through a "
    "messenger.",
    "finding.baseline_fixed": "The open eye was seen too little to know its shape: a fixed blink "
    "threshold was used.",
    "finding.lids_lowered": "An eye was shut, or the lids lowered that far, for {closed_s:.1f} s, "
    "in which the gaze is not counted. If they were looking down then, the range is larger than "
    "measured: lift the lids with a finger, or film from slightly below.",
    "finding.face_partly_lost": "The face was seen for {seen:.0%} of the time: what the eyes did "
    "in the rest is not in the range. Keep the whole face in the picture.",
    "finding.blinks_cut": "{cut} of the {blinks} blinks begin or end where the face or frames are "
    "missing: one blink may have been counted as several, and others missed. Do not rely on the "
    "count and the rate. Keep the whole face in the picture.",
    "finding.other_face": "Another, smaller face is in the picture; the largest was analysed.",
    "finding.step_raised": "Time was short: at times only 1 frame in {largest_step} was analysed "
    "instead of 1 in {step}, and short blinks may have been missed. Record a shorter video, or at "
    "1280x720 and 30 frames a second.",
    "finding.out_of_time": "Time ran out: only the first {analysed_s:.0f} s were analysed. Record "
    "a shorter video, or at 1280x720.",
    "finding.max_frames_reached": "Only the first {frames} frames were analysed. Raise max_frames "
    "or the step to cover the whole recording.",
    "finding.video_damaged": "{frames} frames are missing or damaged: the result covers the rest. "
    "Copy the video from the phone again.",
    "finding.timestamps_repaired": "Some of the video's timestamps were wrong and mended.",
    "finding.timestamps_unusable": "The video's timestamps are unusable: all times come from its "
    "nominal frame rate.",
    "finding.borderline": "The range is uncertain, {low:.3f} to {high:.3f}, and the threshold lies "
    "in between: record again.",
}
"""By ``finding.CODE``, or ``finding.CODE.VARIANT`` where a code has several texts."""

REPORT = {
    "title": "Eye movement report",
    "subtitle": "Recording of {seconds:.1f} s. Ranges are in eye widths (from canthus to canthus); "
    "left and right are the person's own.",
    "uncertain": ", but uncertain",
    "for_patient": "Told to the patient:",
    "range": "How far the eyes moved up and down",
    "rate": "Blink rate",
    "eye_widths": "eye widths, 95th minus 5th percentile",
    "per_minute": "blinks a minute",
    "interval": "95 % interval {low} to {high}",
    "interval_short": "{low} to {high}",
    "threshold": "threshold {threshold:g}",
    "below": "suspicion",
    "above": "none",
    "range_alt": "Vertical range {value:.3f} eye widths, 95 % interval {low:.3f} to {high:.3f}; "
    "the threshold is {threshold:g}.",
    "range_deg": "An estimate in degrees: the eyes turned by between {low:.0f}° and {high:.0f}°.",
    "rate_alt": "{value:.1f} blinks a minute, 95 % interval {low:.1f} to {high:.1f}; healthy "
    "people at rest blink {healthy:g} times a minute on average.",
    "rate_count": "{count} in {seconds:.1f} s with the face in view",
    "healthy": "healthy at rest: {rate:g}",
    "rate_source": "Means of 150 healthy people: 17 a minute at rest, 4.5 reading, 26 talking "
    "(Bentivoglio et al., Movement Disorders 12, 1997, 1028-1034). Looking up and down on request "
    "is none of these.",
    "not_measured": "not measured",
    "quality": "How far this can be trusted",
    "no_result": "Measured, but not to be relied on.",
    "caution": "To keep in mind:",
    "status.good": "good",
    "status.caution": "limited",
    "status.bad": "not good enough",
    "status.unknown": "not judged",
    "light.face": "Face in view",
    "light.face.value": "{share:.0%} of the time, {seconds:.1f} s (at least {least:.0%}, "
    "{least_s:.0f} s)",
    "light.rate": "Frame rate",
    "light.rate.value": "{rate:.1f} a second (at least {least:.0f}), longest gap {gap:.2f} s",
    "light.eye_size": "Size of the eyes",
    "light.eye_size.value": "{width:.1f} pixels wide (at least {least:.0f})",
    "light.head": "Head still and straight",
    "light.head.value": "turned {yaw:.0f}° (at most {most_yaw:.0f}°), camera angle {pitch:+.0f}° "
    "(at most ±{most_pitch:.0f}°)",
    "light.light": "Light",
    "light.light.value": "eyes {ratio:.0f} times above the noise (at least {least:.0f}), "
    "{clipped:.0%} plain black or white (at most {most:.0%})",
    "light.sharpness": "Sharpness",
    "light.sharpness.value": "{sharpness:.2f} (at least {least:g})",
    "light.compression": "Compression",
    "light.compression.value": "{bits:.0f} bits a frame for an eye (at least {least:.0f})",
    "light.people": "One person",
    "light.people.value": "next largest face {share:.0%} of this one (below {most:.0%})",
    "light.lids": "Eyes open",
    "light.lids.value": "gaze seen for {seconds:.1f} of {seen:.1f} s",
    "light.task": "Gaze",
    "light.task.value": "eyes differ by {disagreement:.3f} (more than {most:g} can stand against "
    "an answer)",
    "light.video": "Video complete",
    "light.video.value": "{frames} frames analysed, {decoded} decoded, {failed} damaged",
    "contents": "Contents",
    "traces": "Traces",
    "traces_use": "Drag across the traces to zoom, double-click to zoom out, or use the buttons. "
    "All traces share one time axis.",
    "traces_alt": "Traces over time of eye opening, vertical and horizontal gaze, face in view and "
    "head pose. The same values are in the table of frames (CSV).",
    "do.all": "Whole recording",
    "do.in": "Zoom in",
    "do.out": "Zoom out",
    "do.earlier": "Earlier",
    "do.later": "Later",
    "do.previous": "Previous event",
    "do.next": "Next event",
    "legend.left": "left eye",
    "legend.right": "right eye",
    "legend.limit": "closes below",
    "legend.counted": "gaze that counts",
    "legend.uncounted": "not counted",
    "legend.yaw": "turn (yaw)",
    "legend.pitch": "nod (pitch)",
    "legend.roll": "tilt (roll)",
    "legend.blink": "blink",
    "legend.prolonged_closure": "prolonged closure",
    "legend.wink": "wink",
    "legend.unseen": "no face",
    "ear": "Eye opening (EAR)",
    "vertical_axis": "Vertical gaze (eye widths; up is -)",
    "horizontal_axis": "Horizontal gaze (left is +)",
    "coverage_axis": "Face in view",
    "coverage": "face in view",
    "pose_axis": "Head pose (degrees)",
    "time_axis": "time (s)",
    "offset_axis": "eye widths (+ is down)",
    "primary": "straight ahead",
    "p5": "P5 (up)",
    "p95": "P95 (down)",
    "count": "count",
    "seconds": "seconds",
    "yes": "yes",
    "no": "no",
    "events": "Blinks and closures",
    "event_counts": "Blinks: {blinks}, of them incomplete: {incomplete}. Prolonged closures: "
    "{prolonged}. Winks: {winks}.",
    "event_use": "Choose a row to see its traces and its pictures.",
    "no_events": "No blink, prolonged closure or wink was found.",
    "event.number": "No.",
    "event.kind": "Kind",
    "event.onset": "Onset (s)",
    "event.duration": "Duration (s)",
    "event.amplitude": "Closed by",
    "event.left_right": "Left / right",
    "event.frames": "Frames",
    "event.note": "Note",
    "event_name": "{kind} {number}, {onset:.2f} to {offset:.2f} s",
    "kind.blink": "Blink",
    "kind.prolonged_closure": "Prolonged closure",
    "kind.wink_left": "Wink of the left eye",
    "kind.wink_right": "Wink of the right eye",
    "onset_unseen": "beginning not seen",
    "offset_unseen": "end not seen",
    "complete": "complete",
    "incomplete": "incomplete",
    "pictures": "Eyes in each event",
    "pictures_use": "The person's right eye is on the left, as in the video. Each picture is "
    "turned and scaled to the corners of its eye.",
    "pictures_need_video": "The pictures of the eyes need the video, which this report was made "
    "without: analyse the video again to have them.",
    "pictures_left_out": "The pictures of the last {count} events are left out to keep the page "
    "small.",
    "frames_left_out": "{count} further pictures of these events are left out to keep the page "
    "small, or could not be taken.",
    "no_picture": "No picture: the eyes were not in view.",
    "picture_alt": "The eyes at {time:.3f} s: {what}",
    "frame": "frame {frame}",
    "role.onset": "onset",
    "role.closing": "closing",
    "role.peak": "peak",
    "role.opening": "opening",
    "role.offset": "offset",
    "extremes": "Eyes at the ends of the range",
    "extremes_use": "The range is taken between these two offsets. The pictures are of the frames "
    "that come closest to them, with each frame's own offset (eye widths, down is +).",
    "end.up": "Up: 5th percentile",
    "end.up.short": "up",
    "end.ahead": "Straight ahead: primary position",
    "end.ahead.short": "ahead",
    "end.down": "Down: 95th percentile",
    "end.down.short": "down",
    "phases": "What the person was asked to do",
    "no_protocol": "No protocol was given: that the person was asked to look up, then down, is "
    "assumed, and the recording cannot tell.",
    "phase.phase": "Asked for",
    "phase.time": "Time",
    "phase.gaze_time": "Gaze seen",
    "phase.reached": "Reached (eye widths)",
    "phase.held": "Held (eye widths)",
    "phase.held_offset": "Held offset (eye widths)",
    "phase.latency": "Latency",
    "phase_name.up": "up",
    "phase_name.down": "down",
    "phase_name.left": "left",
    "phase_name.right": "right",
    "phase_name.fixate": "at the camera",
    "phase_name.rest": "at rest",
    "latency.unseen_before": "gaze not seen before it",
    "latency.unmoved": "did not move",
    "latency.hidden": "hidden while moving",
    "latency.no_direction": "no direction asked for",
    "distributions": "Distributions",
    "plot.vertical": "Vertical gaze offset",
    "plot.duration": "Duration of blinks",
    "plot.interval": "Time from one blink to the next",
    "numbers": "All numbers",
    "numbers_open": "Every number of the summary",
    "group.gaze": "Gaze",
    "group.blinks": "Blinks",
    "group.quality": "Quality",
    "provenance": "Recording, parameters, version",
    "source": "File",
    "sha256": "SHA-256 of the video",
    "no_sha256": "not computed",
    "version": "Version of parkinson-eye-tracking",
    "sources": "Definitions and sources",
    "limits": "Limits",
}
"""By what stands after ``report.``. What a reader sees of a report, besides its findings."""

MISSING = {
    "no_face": "not measured: no face was seen",
    "one_frame": "not measured: fewer than two frames",
    "rate_time": "not measured: the face was seen for less than {least:g} s",
    "no_blink": "none: no blink was found",
    "one_blink": "none: fewer than two blinks were found",
    "no_whole_blink": "not measured: no blink was seen from beginning to end",
    "cut_interval": "not measured: the face was lost between the blinks",
    "no_gaze": "not measured: no frame shows open eyes with the head in place",
    "no_primary": "not measured: the eyes were not seen looking straight ahead for {least:g} s "
    "where the primary position is taken",
    "not_ahead": "not measured: the eyes looked straight ahead for less than {least:g} s",
    "not_aside": "not measured: the eyes did not move sideways beyond the noise",
    "no_direction": "no direction asked for",
    "saccade_rate": "not measured: {rate:.0f} frames a second are too few; at least {least:.0f} "
    "are needed (slow motion)",
    "no_saccade": "none: no saccade stands out of the noise",
    "not_declared": "not known: the video does not say",
    "too_little": "not measured: too little was seen",
}
"""By what stands after ``report.missing.``: why a number is missing."""

FIELDS = {
    "vertical_peak_to_peak": "Vertical range (eye widths)",
    "vertical_peak_to_peak_ci95": "Its 95 % interval (eye widths)",
    "vertical_noise_floor": "Range that the landmarks' jitter alone gives (eye widths)",
    "threshold_distance": "Range minus threshold (eye widths)",
    "threshold_distance_in_ci_half_widths": "The same in halves of the interval",
    "threshold_distance_in_noise_floors": "The same in noise floors",
    "vertical_peak_to_peak_left": "Vertical range, left eye (eye widths)",
    "vertical_peak_to_peak_right": "Vertical range, right eye (eye widths)",
    "vertical_peak_to_peak_ahead": "Vertical range while looking ahead (eye widths)",
    "vertical_peak_to_peak_any_time": "Vertical range, also outside of the phases (eye widths)",
    "vertical_peak_to_peak_deg_est": "Vertical range, estimate, too small (degrees)",
    "vertical_peak_to_peak_deg_range": "Bounds of the true vertical range (degrees)",
    "primary_position": "Primary position (eye widths, down is +)",
    "primary_position_source": "Where the primary position is taken",
    "up_range": "Range above it (eye widths)",
    "down_range": "Range below it (eye widths)",
    "vertical_offset_median": "Median vertical offset (eye widths)",
    "vertical_offset_std": "Its standard deviation (eye widths)",
    "vertical_eye_correlation": "Correlation of both eyes' vertical offsets",
    "horizontal_peak_to_peak": "Horizontal range (eye widths)",
    "horizontal_peak_to_peak_deg_est": "Horizontal range, estimate, too small (degrees)",
    "vertical_to_horizontal_ratio": "Vertical over horizontal range",
    "framing_gain": "Factor that corrects the vertical offset",
    "head_pitch_range_deg": "Range of the head's nod (degrees)",
    "nod_allowance": "Range that this nod alone can make (eye widths)",
    "gaze_time_s": "Time that counts for the gaze (s)",
    "vertical_saccade_count": "Vertical saccades",
    "vertical_saccade_peak_velocity_per_s": "Fastest saccade (eye widths a second)",
    "vertical_saccade_peak_velocity_deg_per_s_est": "Fastest saccade, estimate (degrees a second)",
    "vertical_saccade_velocity_to_amplitude_per_s": "Saccades' velocity over amplitude (1/s)",
    "blink_count": "Blinks",
    "incomplete_blink_count": "Incomplete blinks",
    "prolonged_closure_count": "Prolonged closures",
    "wink_count": "Winks",
    "blink_rate_per_min": "Blinks a minute",
    "blink_rate_per_min_ci95": "Their 95 % interval",
    "blink_duration_median_s": "Median duration of blinks (s)",
    "inter_blink_interval_median_s": "Median time from blink to blink (s)",
    "perclos": "Share of the time with the lids at least 80 % closed (PERCLOS, 0-1)",
    "open_ear": "EAR of the open eyes",
    "valid_time_s": "Time with the face in view (s)",
    "quality.face_coverage": "Share of the time with the face in view (0-1)",
    "quality.sampled_rate_hz": "Analysed frames a second",
    "quality.longest_gap_s": "Longest time between analysed frames (s)",
    "quality.gap_share": "Share of the time in gaps between frames (0-1)",
    "quality.canthal_distance_px": "Width of an eye (pixels)",
    "quality.iris_diameter_px": "Width of an iris (pixels)",
    "quality.head_roll_deg": "Tilt of the head (degrees)",
    "quality.head_yaw_deg": "Turn of the head (degrees)",
    "quality.head_pitch_deg": "Nod of the head to the camera (degrees, down is +)",
    "quality.head_moved_share": "Share of the open-eyed time with the head out of place (0-1)",
    "quality.other_face_ratio": "Size of another face (0-1)",
    "quality.sharpness": "Sharpness of the eyes",
    "quality.contrast_over_noise": "Contrast of the eyes over the noise",
    "quality.face_grey": "Mean grey level of the face (0-255)",
    "quality.clipped_share": "Share of the face that is black or white (0-1)",
    "quality.bits_per_pixel": "Bits of the video for a pixel and frame",
    "quality.bits_per_eye": "Bits of the video for an eye and frame",
    "quality.eye_disagreement": "Range in which each eye goes its own way (eye widths)",
    "duration_sec_est": "Length (s)",
    "frames_processed": "Frames analysed",
    "fps": "Frames a second, measured",
    "partial": "Ended before the recording did",
    "task": "Task",
    "video_meta.width": "Width (pixels)",
    "video_meta.height": "Height (pixels)",
    "video_meta.fps": "Frames a second, as the file says",
    "video_meta.frame_count": "Frames, as the file says",
    "video_meta.frames_decoded": "Frames decoded",
    "video_meta.frames_failed": "Frames damaged",
    "video_meta.time_source": "Where the times come from",
    "video_meta.complete": "Analysed to the end",
    "sampling.step": "Every how many frames one was to be analysed",
    "sampling.effective_step": "Every how many frames one was analysed, mean",
    "sampling.effective_rate_hz": "Frames analysed a second, mean",
    "sampling.largest_step": "Largest step",
    "sampling.out_of_time": "Time ran out",
    "parameters.step": "Parameter step",
    "parameters.vpp_thresh": "Parameter vpp_thresh (eye widths)",
    "parameters.blink_thresh": "Parameter blink_thresh (EAR)",
    "parameters.max_frames": "Parameter max_frames",
    "parameters.blink_min_frames": "Parameter blink_min_frames",
    "parameters.blink_baseline": "Parameter blink_baseline",
}
"""By what stands after ``report.field.``: labels of the summary's numbers."""

VALUES = {
    "primary_position_source.protocol": "the phases at the camera and at rest",
    "primary_position_source.before_protocol": "what comes before the first phase",
    "primary_position_source.assumed_first_second": "the first second: an assumption",
    "task.protocol": "the protocol's",
    "task.assumed_up_then_down": "assumed: up, then down",
    "video_meta.time_source.stream": "the video's own timestamps",
    "video_meta.time_source.stream_repaired": "the video's own timestamps, some mended",
    "video_meta.time_source.frame_rate": "the nominal frame rate",
    "parameters.blink_baseline.adaptive": "adaptive: scaled to the person's open eyes",
    "parameters.blink_baseline.fixed": "fixed",
}
"""By what stands after ``report.value.``: names of the summary's values."""

DEFINITIONS = {
    "definition.ear.term": "Eye opening, EAR",
    "definition.ear": "Eye aspect ratio (|p2-p6| + |p3-p5|) / (2 |p1-p4|) of six lid points in "
    "pixels; 0 is shut. T. Soukupová, J. Čech, Real-Time Eye Blink Detection using Facial "
    "Landmarks, CVWW 2016.",
    "definition.gaze.term": "Gaze offset",
    "definition.gaze": "The middle of the iris minus the middle between the eye's corners, along "
    "and across the line between them, over their distance (an eye width); the mean of both eyes. "
    "Down and the person's left are positive. The vertical one is corrected for how the face "
    "happens to be framed.",
    "definition.range.term": "Vertical range",
    "definition.range": "95th minus 5th percentile of the vertical offset over the frames that "
    "show a face with the head in place, outside of closures and winks by 0.1 s or more and, with "
    "a protocol, within its phases up and down.",
    "definition.interval.term": "95 % intervals",
    "definition.interval": "Of the range: block bootstrap (H. R. Künsch, The Annals of Statistics "
    "17, 1989), widened for few and correlated blocks and by what is not known of how far the "
    "landmarks follow the gaze. Of the rate: exact for Poisson counts (F. Garwood, Biometrika 28, "
    "1936).",
    "definition.degrees.term": "Degrees",
    "definition.degrees": "From an iris 11.7 mm wide and an eye that turns about a point 10 mm "
    "behind it: an estimate. The landmarks follow vertical gaze only in part; the bounds allow "
    "for 0.41 of it to all of it.",
    "definition.blink.term": "Blinks and closures",
    "definition.blink": "The EAR falls below {threshold:g} scaled to the person ({share:.0%} of "
    "the open eye) and is back at half of the way to the open eye. Closed for over 0.5 s, or "
    "lowered for over 1 s, it is a prolonged closure and no blink; one eye held shut for 0.3 s or "
    "longer is a wink. A face that is lost ends an event.",
    "definition.rate.term": "Blink rate",
    "definition.rate": "Blinks over the time in which the face was in view.",
    "definition.pose.term": "Head pose",
    "definition.pose": "Turn and nod of the mean face, fitted rigidly (D. F. DeMenthon, L. S. "
    "Davis, Model-Based Object Pose in 25 Lines of Code, IJCV 15, 1995). Frames turned by over "
    "{yaw:g}°, or nodding by over 10° from the median, do not count for the gaze.",
    "definition.picture.term": "Noise of the picture",
    "definition.picture": "J. Immerkær, Fast Noise Variance Estimation, Computer Vision and Image "
    "Understanding 64, 1996.",
    "definition.saccade.term": "Saccades",
    "definition.saccade": "In recordings of at least {least:g} frames a second: R. Engbert, "
    "R. Kliegl, Microsaccades uncover the orientation of covert attention, Vision Research 43, "
    "2003.",
    "definition.assessment.term": "Assessment",
    "definition.assessment": "Supports a suspicion where the vertical range is below {threshold:g} "
    "and nothing stands against an answer. What was not seen can only enlarge the range: below the "
    "threshold with too much unseen, it is not assessable.",
    "limit.task": "Someone who was not asked to look up and down, or did not, reads like a palsy.",
    "limit.degrees": "The landmarks follow vertical gaze only in part: ranges compare with each "
    "other and with the threshold; degrees are too small.",
    "limit.blink_end": "Blinks end 67-84 ms earlier than people who annotate put their ends.",
    "limit.lids": "In extreme down-gaze the lids may hide the iris; far lowered lids count as a "
    "prolonged closure and are left out.",
    "limit.mirror": "Mirrored videos swap left and right.",
    "limit.not_validated": "None of the thresholds has been validated on patients.",
}
"""By what stands after ``report.``: how the numbers are defined, by whom, and their limits."""

VERDICTS = {
    "because.suspected.asked": "The eyes' vertical range, {range:.3f} of the eye's width, is "
    "below {threshold:g}: this supports a suspicion of PSP. The person was asked to look up and "
    "down as far as possible.",
    "because.suspected.if_asked": "The eyes' vertical range, {range:.3f} of the eye's width, is "
    "below {threshold:g}: this supports a suspicion of PSP if the person was asked to look up and "
    "down as far as possible, which the recording cannot tell.",
    "because.not_suspected": "The eyes' vertical range, {range:.3f} of the eye's width, is not "
    "below {threshold:g}.",
    "because.not_assessable": "Not assessable.",
    "verdict.suspected": "Supports a suspicion of PSP",
    "verdict.not_suspected": "Does not support a suspicion of PSP",
    "verdict.not_assessable": "Not assessable",
    "value.not_measurable": "not measurable",
}

ENGLISH = {
    **FINDINGS,
    **VERDICTS,
    **{f"report.{key}": text for key, text in (REPORT | DEFINITIONS).items()},
    **{f"report.missing.{key}": text for key, text in MISSING.items()},
    **{f"report.field.{key}": text for key, text in FIELDS.items()},
    **{f"report.value.{key}": text for key, text in VALUES.items()},
}


class _Filler(string.Formatter):
    """Formats as `str.format` does, and calls missing numbers so."""

    def __init__(self, missing: str) -> None:
        self._missing = missing

    def format_field(self, value: Any, format_spec: str) -> str:
        if isinstance(value, float) and value != value:
            return self._missing
        return str(super().format_field(value, format_spec))


def round_range(range_: float, threshold: float | None) -> float:
    """Round a vertical range, or an end of its interval, as it is shown everywhere.

    Parameters
    ----------
    range_ : float
        In eye widths; NaN = missing.
    threshold : float or None
        What it is held against; None: nothing.

    Returns
    -------
    float
        The nearest number of three decimals that is below the threshold if the range is, and not
        below it if the range is not; NaN for NaN.
    """
    if not math.isfinite(range_):
        return math.nan
    shown = round(range_, 3)
    if threshold is not None and (shown < threshold) != (range_ < threshold):
        shown = round(shown - 0.001 if range_ < threshold else shown + 0.001, 3)
    return shown


def write(language: Language, key: str, **values: Any) -> str:
    """Return a text with its numbers.

    Parameters
    ----------
    language : {"en", "ko"}
    key : str
        Of `ENGLISH`.
    **values
        Its placeholders' values; NaN is written as "not measurable".

    Returns
    -------
    str
    """
    texts = KOREAN if language == "ko" else ENGLISH
    return _Filler(texts["value.not_measurable"]).format(texts[key], **values)
