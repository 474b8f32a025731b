"""The filter language of search: text in, checked values out."""
