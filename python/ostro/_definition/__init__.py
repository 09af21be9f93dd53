"""What a program declares: signatures, workflows, schedules, dependencies, rate limits."""
