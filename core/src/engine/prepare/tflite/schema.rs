//! What a `.tflite` file says: the fields of its tables that we read (TensorFlow Lite's schema, version 3).

use super::flatbuffer::Table;
use crate::{Error, Kind, Result};

/// The first graph of a file.
pub struct Network<'a> {
    /// All values, weights among them; others name them by their place here.
    pub tensors: Vec<Tensor<'a>>,
    /// What is computed, in order.
    pub operators: Vec<Operator<'a>>,
    /// What it takes.
    pub inputs: Vec<usize>,
    /// What it gives.
    pub outputs: Vec<usize>,
}

/// A value of the graph.
pub struct Tensor<'a> {
    /// Its name.
    pub name: &'a str,
    /// Lengths of its dimensions, each 1 to 65536: batch, row, column, channel for pictures.
    pub shape: Vec<i64>,
    /// The number of its element type.
    pub element: u8,
    /// Its bytes, if they are in the file; empty for what is computed.
    pub data: &'a [u8],
}

/// Element type numbers of tensors that are named in our code.
pub mod element {
    /// Single precision.
    pub const FLOAT32: u8 = 0;
    /// Half precision.
    pub const FLOAT16: u8 = 1;
    /// Whole numbers of 32 bits.
    pub const INT32: u8 = 2;
}

/// One step of the computation.
pub struct Operator<'a> {
    /// What it does: the specification's name, or the one its maker gave it.
    pub name: &'a str,
    /// Places of its inputs among the tensors.
    pub inputs: Vec<usize>,
    /// Place of its one output.
    pub output: usize,
    /// Its settings.
    pub options: Table<'a>,
    /// Settings of an operator that is not in the specification.
    pub custom: &'a [u8],
}

/// What a list of places or lengths may hold; the operators that we know have fewer.
const MOST: usize = 16;
const LONGEST_SIDE: i32 = 1 << 16;

impl<'a> Network<'a> {
    /// Reads a file.
    ///
    /// # Errors
    /// [`Kind::ModelMismatch`] when it is damaged, or has what we cannot follow.
    pub fn read(bytes: &'a [u8]) -> Result<Self> {
        let model = Table::root(bytes)?;
        let codes = model.tables(1)?;
        let buffers = model.tables(4)?;
        let graphs = model.tables(2)?;
        let graph = graphs.first().ok_or_else(|| wrong("the file holds no graph"))?;
        let tensors = graph.tables(0)?.iter().map(|table| tensor(table, &buffers)).collect::<Result<Vec<_>>>()?;
        let places = |field| places(graph, field, tensors.len());
        let (inputs, outputs) = (places(1)?, places(2)?);
        let operators = graph.tables(3)?;
        let operators = operators.iter().map(|table| operator(table, &codes, tensors.len())).collect::<Result<_>>()?;
        Ok(Self { tensors, operators, inputs, outputs })
    }
}

fn tensor<'a>(table: &Table<'a>, buffers: &[Table<'a>]) -> Result<Tensor<'a>> {
    let name = table.text(3)?;
    let shape = table.ints(0, MOST)?;
    if let Some(side) = shape.iter().find(|side| !(1..=LONGEST_SIDE).contains(*side)) {
        return Err(wrong(format!("the value {name:?} has a side of {side}")));
    }
    if table.table(6)?.is_some() {
        return Err(wrong(format!("the weights {name:?} are sparse")));
    }
    let buffer = usize::try_from(table.int(2, 0)?).ok().and_then(|index| buffers.get(index));
    let buffer = buffer.ok_or_else(|| wrong(format!("the value {name:?} has no buffer")))?;
    let shape = shape.into_iter().map(i64::from).collect();
    Ok(Tensor { name, shape, element: table.byte(1)?, data: buffer.data(0)? })
}

fn operator<'a>(table: &Table<'a>, codes: &[Table<'a>], tensors: usize) -> Result<Operator<'a>> {
    let code = usize::try_from(table.int(0, 0)?).ok().and_then(|index| codes.get(index));
    let code = code.ok_or_else(|| wrong("an operator has no name"))?;
    // Older files have the number in a byte of its own.
    let number = code.int(3, 0)?.max(i32::from(code.byte(0)? as i8));
    let name = match number {
        CUSTOM => code.text(1)?,
        _ => usize::try_from(number).ok().and_then(|number| NAMES.split_whitespace().nth(number)).unwrap_or("unnamed"),
    };
    let [output] = places(table, 2, tensors)?[..] else {
        return Err(wrong(format!("the operator {name} has not one output")));
    };
    let options = table.table(4)?.unwrap_or(Table::EMPTY);
    Ok(Operator { name, inputs: places(table, 1, tensors)?, output, options, custom: table.data(5)? })
}

/// Places of tensors. Inputs that are left out are marked −1: none of the operators that we know has such.
fn places(table: &Table<'_>, field: usize, tensors: usize) -> Result<Vec<usize>> {
    let checked = |place: i32| {
        let inside = usize::try_from(place).ok().filter(|&place| place < tensors);
        inside.ok_or_else(|| wrong(format!("there is no value number {place}")))
    };
    table.ints(field, MOST)?.into_iter().map(checked).collect()
}

/// The error for a file that we cannot follow.
pub fn wrong(message: impl Into<String>) -> Error {
    Error::new(Kind::ModelMismatch, message)
}

/// The number of operators with names of their makers'.
const CUSTOM: i32 = 32;

/// The specification's operators in the order of their numbers.
const NAMES: &str = "
    ADD AVERAGE_POOL_2D CONCATENATION CONV_2D DEPTHWISE_CONV_2D DEPTH_TO_SPACE DEQUANTIZE EMBEDDING_LOOKUP FLOOR
    FULLY_CONNECTED HASHTABLE_LOOKUP L2_NORMALIZATION L2_POOL_2D LOCAL_RESPONSE_NORMALIZATION LOGISTIC LSH_PROJECTION
    LSTM MAX_POOL_2D MUL RELU RELU_N1_TO_1 RELU6 RESHAPE RESIZE_BILINEAR RNN SOFTMAX SPACE_TO_DEPTH SVDF TANH
    CONCAT_EMBEDDINGS SKIP_GRAM CALL CUSTOM EMBEDDING_LOOKUP_SPARSE PAD UNIDIRECTIONAL_SEQUENCE_RNN GATHER
    BATCH_TO_SPACE_ND SPACE_TO_BATCH_ND TRANSPOSE MEAN SUB DIV SQUEEZE UNIDIRECTIONAL_SEQUENCE_LSTM STRIDED_SLICE
    BIDIRECTIONAL_SEQUENCE_RNN EXP TOPK_V2 SPLIT LOG_SOFTMAX DELEGATE BIDIRECTIONAL_SEQUENCE_LSTM CAST PRELU MAXIMUM
    ARG_MAX MINIMUM LESS NEG PADV2 GREATER GREATER_EQUAL LESS_EQUAL SELECT SLICE SIN TRANSPOSE_CONV SPARSE_TO_DENSE
    TILE EXPAND_DIMS EQUAL NOT_EQUAL LOG SUM SQRT RSQRT SHAPE POW ARG_MIN FAKE_QUANT REDUCE_PROD REDUCE_MAX PACK
    LOGICAL_OR ONE_HOT LOGICAL_AND LOGICAL_NOT UNPACK REDUCE_MIN FLOOR_DIV REDUCE_ANY SQUARE ZEROS_LIKE FILL FLOOR_MOD
    RANGE RESIZE_NEAREST_NEIGHBOR LEAKY_RELU SQUARED_DIFFERENCE MIRROR_PAD ABS SPLIT_V UNIQUE CEIL REVERSE_V2 ADD_N
    GATHER_ND COS WHERE RANK ELU REVERSE_SEQUENCE MATRIX_DIAG QUANTIZE MATRIX_SET_DIAG ROUND HARD_SWISH IF WHILE
    NON_MAX_SUPPRESSION_V4 NON_MAX_SUPPRESSION_V5 SCATTER_ND SELECT_V2 DENSIFY SEGMENT_SUM BATCH_MATMUL
    PLACEHOLDER_FOR_GREATER_OP_CODES CUMSUM CALL_ONCE BROADCAST_TO RFFT2D CONV_3D IMAG REAL COMPLEX_ABS HASHTABLE
    HASHTABLE_FIND HASHTABLE_IMPORT HASHTABLE_SIZE REDUCE_ALL CONV_3D_TRANSPOSE VAR_HANDLE READ_VARIABLE
    ASSIGN_VARIABLE BROADCAST_ARGS RANDOM_STANDARD_NORMAL BUCKETIZE RANDOM_UNIFORM MULTINOMIAL GELU
    DYNAMIC_UPDATE_SLICE RELU_0_TO_1 UNSORTED_SEGMENT_PROD UNSORTED_SEGMENT_MAX UNSORTED_SEGMENT_SUM ATAN2
    UNSORTED_SEGMENT_MIN SIGN BITCAST BITWISE_XOR RIGHT_SHIFT";
