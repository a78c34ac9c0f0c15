//! The steps of the pipeline, each a plain function from typed input to typed output.

pub mod adjust_edges;
pub mod composite;
pub mod edge_network;
pub mod foreground;
pub mod guided_filter;
pub mod layout;
pub mod matting;
pub mod pieces;
pub mod planes;
pub mod refine_edges;
pub mod shadow;
pub mod solid;
pub mod spill;
pub mod subject;
pub mod trimap;
