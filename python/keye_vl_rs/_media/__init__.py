"""Finding media, fetching them within allow-lists, limits and deadlines, and opening images."""
