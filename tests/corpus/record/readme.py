def write_readme(): pass
