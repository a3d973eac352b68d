"""What runs the DAG: stages, recipes, plan, tasks, runner, manifest, store, cluster, progress."""
