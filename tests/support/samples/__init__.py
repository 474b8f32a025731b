"""Files of models as tools write them, and as somebody would write them who means harm or is careless."""
