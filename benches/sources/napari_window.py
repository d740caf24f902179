"""napari with an OME-Zarr, as a user sees it: a window that stays. usage: napari_window.py PATH"""
import sys

import napari

viewer = napari.Viewer(show=True)
viewer.window.resize(1600, 1160)
viewer.open(sys.argv[1], plugin="napari-ome-zarr")
viewer.dims.set_current_step(0, 0)
viewer.dims.last_used = 0
napari.run()
