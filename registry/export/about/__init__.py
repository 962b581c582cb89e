"""What a file says of itself: sources, licences, date, extent, made up or not, in every form that a format has a place for."""
