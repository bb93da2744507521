LIBS           += epanet
epanet.sources := inp.c inp_line.c inp_section.c inp_nodes.c inp_links.c inp_options.c inp_units.c
epanet.needs   := base
