"""Questions over tables that were written badly: how tables come about, what is asked, and when an answer is right."""
