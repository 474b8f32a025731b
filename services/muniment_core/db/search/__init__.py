"""Search in SQL.

==============  ==================================================================================
``dialect``     the two things SQLite and PostgreSQL write differently
``sources``     where each field is kept, and how it is compared there
``where``       an expression as one SQL condition on a row
``ordering``    orders as sort terms, and the place in them where a page ends
``driving``     which index a search walks along
``plans``       the statements of all queries of one form
``kept_plans``  those that are kept
``search``      the search itself, page by page
==============  ==================================================================================

What a filter asks is compiled without regard to indexes: ``EXISTS`` on the row at hand for what is kept in
tables of its own. What is walked along is decided for each page: an index that gives the order, whose first
rows are then the answer, or the rows of a condition that few rows meet, which are then sorted.
"""
