"""What tests share: clips, images, processors, processes, and how results are compared."""
