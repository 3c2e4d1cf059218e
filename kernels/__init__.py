"""Numerical core: pictures for the models, and measures from landmarks. Only NumPy and Numba.

Public functions prepare their arguments, then call a kernel compiled by `kernels._jit`. Missing
data is NaN throughout. No public function changes its arguments, except an array named `out`, which
it fills.
"""

from kernels.closures import (
    BLINK,
    FLUTTER,
    PROLONGED_CLOSURE,
    Closures,
    compute_eye_amplitude,
    detect_closures,
)
from kernels.crosstalk import remove_crosstalk
from kernels.dips import Dips, find_dips
from kernels.fixation import Jerks, detect_jerks
from kernels.flanks import fit_flanks
from kernels.gaze import compute_framing_gain
from kernels.geometry import EyeGeometry, compute_eye_geometry, compute_rotation_deg
from kernels.landmarks import FACE_MESH_INDICES, LANDMARK_COUNT, LEFT, RIGHT
from kernels.measures import (
    compute_correlation,
    compute_inter_blink_intervals_s,
    compute_peak_to_peak,
    compute_perclos,
    compute_valid_time_s,
    mark_around_closures,
)
from kernels.opening import compute_lid_noise, compute_open_level, compute_typical_opening
from kernels.pooling import pool_events
from kernels.pose import HeadPose, compute_head_pose
from kernels.quantiles import compute_quantiles
from kernels.refinement import compute_extent, cut_eye, map_points, place_points
from kernels.saccades import estimate_offset_noise, find_steps, fit_step, weigh_products
from kernels.sampling import Planes, average_plane, sample_pixels, sample_planes
from kernels.uncertainty import (
    compute_noise_floor,
    compute_peak_to_peak_interval,
    compute_range_reach,
    compute_rate_interval,
)
from kernels.winks import detect_winks, mark_closures_in_winks

__all__ = [
    "BLINK",
    "FACE_MESH_INDICES",
    "FLUTTER",
    "LANDMARK_COUNT",
    "LEFT",
    "PROLONGED_CLOSURE",
    "RIGHT",
    "Closures",
    "Dips",
    "EyeGeometry",
    "HeadPose",
    "Jerks",
    "Planes",
    "average_plane",
    "compute_correlation",
    "compute_extent",
    "compute_eye_amplitude",
    "compute_eye_geometry",
    "compute_framing_gain",
    "compute_head_pose",
    "compute_inter_blink_intervals_s",
    "compute_lid_noise",
    "compute_noise_floor",
    "compute_open_level",
    "compute_peak_to_peak",
    "compute_peak_to_peak_interval",
    "compute_perclos",
    "compute_quantiles",
    "compute_range_reach",
    "compute_rate_interval",
    "compute_rotation_deg",
    "compute_typical_opening",
    "compute_valid_time_s",
    "cut_eye",
    "detect_closures",
    "detect_jerks",
    "detect_winks",
    "estimate_offset_noise",
    "find_dips",
    "find_steps",
    "fit_flanks",
    "fit_step",
    "map_points",
    "mark_around_closures",
    "mark_closures_in_winks",
    "place_points",
    "pool_events",
    "remove_crosstalk",
    "sample_pixels",
    "sample_planes",
    "weigh_products",
]
