"""What every room stands on: settings, errors and their texts, durations, log lines, where code runs."""
