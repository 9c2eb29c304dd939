"""Work that is handed over: drivers submit runs and follow them, workers carry them out."""
