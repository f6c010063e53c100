"""Repairs that keep the row: what is damaged in a record is put right, everything else stays as it was."""
