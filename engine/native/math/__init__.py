"""The formulas of the table's operations on vectors: ordinary Python that writes instructions.

rules         each operation of a fixed number of inputs; which have a formula, and its cost
reductions    those of any number, and the steps of softmax
elementary    exponentials and logarithms, and what is made of them
powers        powers and lengths
trigonometry  sine, cosine and tangent
polynomials   the coefficients of these
"""

__all__: list[str] = []
