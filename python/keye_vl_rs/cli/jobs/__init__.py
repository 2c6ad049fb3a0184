"""Many videos into files: several at once, resumable, never a file that is not whole.

``tensors_file`` writes and reads the files, ``partial_files`` puts them under their names,
``resume`` says how they were made and whether they are up to date, ``workers`` runs tasks side by
side, ``damage`` hears what is missing in a video, and ``run`` puts all of that together.
``display`` says what happens, and ``log_lines`` what the log has.
"""
