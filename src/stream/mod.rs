//! From a wish to voxels in memory: cache, plan, loader threads.
