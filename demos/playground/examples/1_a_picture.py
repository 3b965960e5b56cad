"""A neuron, drawn with its gradients.

Rest the mouse on a shape or on an arrow.
"""

from engine import Value
from engine.drawing import draw

x, w, b = Value(2.0), Value(-3.0), Value(6.5)
y = (x * w + b).tanh()
loss = (y - 1.0) ** 2
loss.backward()
draw(loss)
