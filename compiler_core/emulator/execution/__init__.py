"""Running a program over a batch of blocks: lanes, memories and views, instructions bound to them, flags between cores."""
