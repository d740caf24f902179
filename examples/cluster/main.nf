// nextflow run main.nf: plans, runs the tasks, and merges.
params.N = 8
process plan { output: path 'plan.json'
    script: "cd $launchDir && tectum plan convert recording -o recording.ome.zarr --tasks 8 > \$OLDPWD/plan.json" }
process run { cpus 2; memory '2 GB'; maxRetries 3
    errorStrategy { task.exitStatus in [104, 130, 137, 143] ? 'retry' : 'finish' }
    input: tuple val(i), path(plan)
    output: val i
    script: "tectum run $plan --task $i/${params.N} --threads $task.cpus --memory ${task.memory.toMega()}" }
process merge { input: path plan; val tasks
    script: "tectum merge $plan" }
workflow { p = plan(); merge(p, run(Channel.of(0..<params.N).combine(p)).collect()) }
