"""What a profile measures. Each module counts one side of the rows in the same pass; none judges what it
finds.
"""
