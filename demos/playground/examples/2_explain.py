"""Why is this gradient what it is?"""

from engine import Value
from engine.drawing import explain, tree

x, w = Value(2.0), Value(-3.0)
loss = (x * w).relu()
loss.backward()
print(tree(loss))
explain(loss, w)
