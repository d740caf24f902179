"""ndv on a split dataset, as a user would open it: a window that stays. usage: ndv_window.py BIG [plane|max] [vispy|pygfx]"""
import os
import sys

os.environ["NDV_CANVAS_BACKEND"] = sys.argv[3] if len(sys.argv) > 3 else "vispy"
import ndv
import numpy as np
from split_dataset import SplitDataset

if os.environ.get("NDV_NO_ICONS"):  # offline, ndv spends seconds on trying again to download its icons; a user online has them
    import pyconify.api

    def offline(*args, **kwargs):
        raise OSError("offline")

    pyconify.api._session = pyconify.api.svg = offline
    import pyconify

    pyconify.svg = pyconify.svg_path = offline
    import superqt.iconify

    superqt.iconify.svg_path = offline


class SplitWrapper(ndv.DataWrapper):  # ndv takes no SplitDataset as it is (no __array__); this is its documented way
    @classmethod
    def supports(cls, obj):
        return isinstance(obj, SplitDataset)


data = SplitDataset(sys.argv[1])
index = {0: 0, 1: data.shape[1] // 2}
if len(sys.argv) > 2 and sys.argv[2] == "max":  # it takes no slice for an axis, so dask makes the projection
    import dask.array as da

    data = da.from_array(data, chunks=(1, *data.shape[1:]), asarray=False, meta=np.empty((0,) * 4, np.uint16)).max(axis=1)
    index = {0: 0}
viewer = ndv.ArrayViewer(data, current_index=index, channel_mode="grayscale")
viewer.widget().resize(1280, 800)
viewer._focused_slider_axis = 0  # as after pressing Up once: the arrow keys step t
viewer.show()
ndv.run_app()
