"""fastplotlib's ImageWidget on a split dataset, as a user would open it: a window that stays.

usage: fastplotlib_window.py BIG [plane|max]     (in its best case: through lazy.py, since SplitDataset ignores steps)
"""
import sys

import fastplotlib as fpl
import numpy as np
from lazy import Lazy

data = Lazy(sys.argv[1])
is_max = len(sys.argv) > 2 and sys.argv[2] == "max"
kwargs = {"window_funcs": {"z": (np.max, 2 * data.shape[1])}} if is_max else {}
widget = fpl.ImageWidget(data, cmap="gray", figure_kwargs={"size": (1280, 800)}, histogram_widget=True, **kwargs)
widget.show()
widget.current_index = {"z": data.shape[1] // 2}
fpl.loop.run()
