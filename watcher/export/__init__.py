"""What the store holds as files for other programs: csv, json, jsonl and parquet, row by row, with units and where it comes from."""
