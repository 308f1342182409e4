"""Why a test failed: the smallest failing run, the event that cannot be right, and its story."""
