# make -f tasks.mk -j 8: plans, runs the tasks, and merges.
N = 8
merged: $(patsubst %,tasks/%,$(shell seq 0 $$(( $(N) - 1 ))))
	tectum merge plan.json && touch $@
tasks/%: plan.json
	tectum run plan.json --task $*/$(N) && mkdir -p tasks && touch $@
plan.json:
	tectum plan convert recording -o recording.ome.zarr --tasks 8 > $@.part && mv $@.part $@
