"""What a profile measures: each module counts one side of the rows, in the same pass, and judges nothing."""
