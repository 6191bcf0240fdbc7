"""The paper's settings that several rooms share, each once."""

PAPER_LAMBDA = 0.005  # λ of Eq. 8 on MNIST-R, section 4.1
FACE_LAMBDA = 0.01  # on RAF-DB, section 4.4
