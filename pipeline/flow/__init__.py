"""What runs the DAG: stages, plan, runner, store, cluster, progress."""
